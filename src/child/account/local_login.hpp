// Who may log in on the bastion itself, and what a login gets. Everything here may block and is for the thread pool.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include <sallyport/process.hpp>
#include <sallyport/result.hpp>

#include "child/account/account.hpp"

namespace sallyport::child {

/// Where an administrator says that nobody but root may log in.
inline constexpr const char* kNologinFile = "/etc/nologin";

/// Whether the account may be used, as sshd asks: `permit_accounts` has it (the superuser, by whatever name, only where "root" is
/// spelt out), it hasn't expired, its shell is there (unless there is a chroot), and no nologin file keeps it out. Errc::denied,
/// or Errc::unavailable for the nologin file, whose text is the detail.
Result<> check_account(const Account& account, const LocalLogin& login, const std::string& nologin_file = kNologinFile);

/// The path, once {home} has been filled in: absolute, and owned by root and writable by nobody else from the root folder on, as
/// sshd's ChrootDirectory. Errc::config otherwise.
Result<std::string> chroot_of(const LocalLogin& login, const Account& account);

/// Adds the groups of those names to the account's. Errc::not_found for one that isn't there.
Result<> add_groups(Account& account, const std::vector<std::string>& names);

/// One limit to set, soft and hard.
struct ResourceLimit {
  decltype(RLIMIT_CPU) resource;
  rlimit value;
};

/// As numbers for setrlimit(2). Errc::config for a name or a value that is none.
Result<std::vector<ResourceLimit>> resource_limits(const std::map<std::string, std::string>& limits);

/// What a login is given, ready for the child.
struct Confinement {
  std::vector<ResourceLimit> limits;
  std::string root;
  mode_t mask = 022;
  bool no_new_privs = false;
  bool sets_groups = false;
};

/// All of the above: checks the account, and adds the further groups to it.
Result<Confinement> confine(const LocalLogin& login, Account& account);

}  // namespace sallyport::child

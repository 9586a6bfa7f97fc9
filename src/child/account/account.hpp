// The local account that a program runs as.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <sallyport/result.hpp>

namespace sallyport::child {

struct Account {
  std::string name;
  std::string home;
  std::string shell;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< all of them, `gid` too
  bool other = false;         ///< not the daemon's own: the program has to change to it
};

/// The entry of a name in the user database, without its groups. Blocks: for the thread pool. Fails with Errc::not_found for
/// an unknown name, and Errc::unavailable when the database doesn't answer.
Result<Account> find_account(const std::string& name);

/// Looks up all groups of an account that has a name. False when there are too many. Blocks.
bool fill_groups(Account& account);

/// Looks the account up; empty is the daemon's own, which need not be in the user database. Blocks: for the thread
/// pool. Fails with Errc::not_found for an unknown name, Errc::unavailable when the database doesn't answer, and
/// Errc::denied for another account when the daemon isn't root.
Result<Account> look_up_account(const std::string& name);

}  // namespace sallyport::child

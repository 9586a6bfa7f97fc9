#include "auth/lookup/account_rights.hpp"

#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace sallyport::auth {
namespace {

// The raw call changes this thread alone; glibc's changes them all. 32-bit machines have another with 16-bit ids.
#ifdef SYS_setgroups32
constexpr long kSetGroups = SYS_setgroups32;
#else
constexpr long kSetGroups = SYS_setgroups;
#endif

/// Both calls tell what was set before, and not whether they worked; -1 changes nothing.
bool set_file_ids(uid_t uid, gid_t gid) {
  ::setfsgid(gid);
  ::setfsuid(uid);
  return static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1))) == uid &&
         static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1))) == gid;
}

}  // namespace

Result<AccountRights> AccountRights::take(const UserAccount& account) {
  AccountRights rights;
  if (::geteuid() != 0 || account.uid == 0) return rights;
  const int count = ::getgroups(0, nullptr);
  if (count < 0) return fail(Errc::unavailable, "getgroups: " + std::generic_category().message(errno));
  rights.groups_.resize(static_cast<std::size_t>(count));
  if (::getgroups(count, rights.groups_.data()) != count) return fail(Errc::unavailable, "the groups have changed");
  if (::syscall(kSetGroups, 1, &account.gid) != 0) {
    return fail(Errc::unavailable, "take the account's group: " + std::generic_category().message(errno));
  }
  rights.taken_ = true;
  if (!set_file_ids(account.uid, account.gid)) return fail(Errc::unavailable, "the account's rights can't be taken");
  return rights;
}

AccountRights::~AccountRights() {
  if (taken_) give_back();
}

void AccountRights::give_back() const {
  if (!set_file_ids(::geteuid(), ::getegid()) || ::syscall(kSetGroups, groups_.size(), groups_.data()) != 0) std::abort();
  // A change of ids makes the whole process as dumpable as fs.suid_dumpable says, and that may be set so that core files are
  // written. The daemon wants none.
  static_cast<void>(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

}  // namespace sallyport::auth

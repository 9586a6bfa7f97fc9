// The rights of an account on files, for a thread that works on its behalf.
#pragma once

#include <sys/types.h>

#include <utility>
#include <vector>

#include <sallyport/result.hpp>

#include "auth/keys/key_query.hpp"

namespace sallyport::auth {

/// While it lives, this thread of a daemon that runs as root opens files with no other rights than the account's, its main
/// group among them; its supplementary groups are left out. Other threads keep theirs. Nothing changes for a daemon that isn't
/// root, or for root's own account. The process can't be dumped afterwards, see protect_own_memory(). If the rights can't be
/// given back the process ends, since the thread would be another's for good.
class AccountRights {
 public:
  /// Errc::unavailable when the system says no; then nothing has changed.
  static Result<AccountRights> take(const UserAccount& account);
  ~AccountRights();
  AccountRights(AccountRights&& other) noexcept : taken_(std::exchange(other.taken_, false)), groups_(std::move(other.groups_)) {}
  AccountRights& operator=(AccountRights&&) = delete;

 private:
  AccountRights() = default;
  void give_back() const;

  bool taken_ = false;
  std::vector<gid_t> groups_;  ///< the thread's own
};

}  // namespace sallyport::auth

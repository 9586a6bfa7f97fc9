// What is held for each user, whatever the number of connections.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include <sallyport/account.hpp>

namespace sallyport::mux {

/// How many bytes may be held.
struct HeldLimits {
  std::size_t per_connection = 8 * 1024 * 1024;  ///< of a client's
  /// With the trunks. Less than what a user may cost: malloc and the connections and sessions themselves come on top.
  std::size_t per_user = 56 * 1024 * 1024;
};

/// An account for each user who has a connection or a trunk, and for each of these one below it.
class UserAccounts {
 public:
  /// Takes effect for accounts that are opened from now on.
  void set_limits(HeldLimits limits) { limits_ = limits; }
  std::shared_ptr<Account> of_connection(const std::string& user) {
    return std::make_shared<Account>(limits_.per_connection, of(user));
  }
  /// A trunk is all its riders': it has no bound but theirs.
  std::shared_ptr<Account> of_trunk(const std::string& user) { return std::make_shared<Account>(limits_.per_user, of(user)); }
  std::size_t held(const std::string& user) const {
    const auto found = users_.find(user);
    const auto account = found == users_.end() ? nullptr : found->second.lock();
    return account == nullptr ? 0 : account->held();
  }

 private:
  std::shared_ptr<Account> of(const std::string& user) {
    if (const auto found = users_.find(user); found != users_.end())
      if (auto account = found->second.lock()) return account;
    // Somebody new, who finds none of those who have gone.
    std::erase_if(users_, [](const auto& entry) { return entry.second.expired(); });
    auto account = std::make_shared<Account>(limits_.per_user);
    users_[user] = account;
    return account;
  }

  HeldLimits limits_;
  std::map<std::string, std::weak_ptr<Account>> users_;
};

}  // namespace sallyport::mux

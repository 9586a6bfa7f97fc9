#include "auth/factors/password_failures.hpp"

namespace sallyport::auth {

void PasswordFailures::configure(std::uint32_t limit, Duration window) {
  limit_ = limit;
  window_ = window;
}

void PasswordFailures::forget(Users::iterator user) {
  by_time_.erase({user->second.until, user->first});
  by_failures_.erase({user->second.failures, user->second.until, user->first});
  users_.erase(user);
}

void PasswordFailures::forget_old(TimePoint now) {
  while (!by_time_.empty() && by_time_.begin()->first <= now) forget(users_.find(by_time_.begin()->second));
}

bool PasswordFailures::has_room() { return users_.size() < kMaxUsers || std::get<0>(*by_failures_.begin()) < limit_; }

void PasswordFailures::change(Users::iterator user, User to) {
  by_time_.erase({user->second.until, user->first});
  by_failures_.erase({user->second.failures, user->second.until, user->first});
  user->second = to;
  by_time_.insert({to.until, user->first});
  by_failures_.insert({to.failures, to.until, user->first});
}

void PasswordFailures::add(std::string_view user, TimePoint now) {
  if (limit_ == 0) return;
  forget_old(now);
  auto found = users_.find(user);
  if (found == users_.end()) {
    if (!has_room()) return;
    if (users_.size() >= kMaxUsers) forget(users_.find(std::get<2>(*by_failures_.begin())));
    found = users_.emplace(std::string(user), User{0, now + window_}).first;
  }
  const User& counted = found->second;
  if (counted.failures >= limit_) return;  // locked: what comes meanwhile doesn't make it longer
  const std::uint32_t failures = counted.failures + 1;
  change(found, {failures, failures == limit_ ? now + window_ : counted.until});
}

bool PasswordFailures::locked(std::string_view user, TimePoint now) {
  if (limit_ == 0) return false;
  forget_old(now);
  const auto found = users_.find(user);
  return found != users_.end() ? found->second.failures >= limit_ : !has_room();
}

}  // namespace sallyport::auth

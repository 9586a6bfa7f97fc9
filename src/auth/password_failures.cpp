#include "auth/password_failures.hpp"

namespace sallyport::auth {

void PasswordFailures::configure(std::uint32_t limit, Duration window) {
  if (window != window_) {  // the order would no longer hold
    users_.clear();
    order_.clear();
  }
  limit_ = limit;
  window_ = window;
}

void PasswordFailures::forget_old(TimePoint now) {
  while (!order_.empty() && (order_.front().until <= now || order_.size() > kMaxUsers)) {
    users_.erase(order_.front().name);
    order_.pop_front();
  }
}

void PasswordFailures::add(std::string_view user, TimePoint now) {
  if (limit_ == 0) return;
  forget_old(now);
  auto found = users_.find(user);
  if (found == users_.end()) {
    order_.push_back({std::string(user), 0, now + window_});
    found = users_.emplace(order_.back().name, std::prev(order_.end())).first;
  }
  User& counted = *found->second;
  if (counted.failures >= limit_) return;  // locked: what comes meanwhile doesn't make it longer
  if (++counted.failures == limit_) {
    counted.until = now + window_;
    order_.splice(order_.end(), order_, found->second);
  }
  forget_old(now);
}

bool PasswordFailures::locked(std::string_view user, TimePoint now) {
  if (limit_ == 0) return false;
  forget_old(now);
  const auto found = users_.find(user);
  return found != users_.end() && found->second->failures >= limit_;
}

}  // namespace sallyport::auth

// How often passwords and codes of a user have been wrong lately. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sallyport/clock.hpp>

namespace sallyport::auth {

/// Counts by user, whether there is such a user or not, and forgets when the window is over. A success doesn't reset it:
/// else somebody who guesses would get as many tries again with each login of the user.
class PasswordFailures {
 public:
  /// More names than this are only remembered at the price of the oldest.
  static constexpr std::size_t kMaxUsers = 65536;

  /// `limit` failures within `window` of the first lock the user's passwords out for another `window`; 0: never.
  void configure(std::uint32_t limit, Duration window);
  void add(std::string_view user, TimePoint now);
  /// Whether no password or code of this user counts for now.
  bool locked(std::string_view user, TimePoint now);
  std::size_t size() const { return users_.size(); }

 private:
  struct User {
    std::string name;
    std::uint32_t failures = 0;
    TimePoint until;  // then it is forgotten
  };
  using Order = std::list<User>;

  void forget_old(TimePoint now);

  std::uint32_t limit_ = 0;
  Duration window_{};
  Order order_;  // by `until`, the first to be forgotten in front
  std::unordered_map<std::string_view, Order::iterator> users_;  // the names are order_'s
};

}  // namespace sallyport::auth

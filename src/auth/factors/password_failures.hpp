// How often passwords and codes of a user have been wrong lately. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <sallyport/clock.hpp>

namespace sallyport::auth {

/// Counts by user, whether there is such a user or not, and forgets when the window is over. A success doesn't reset it:
/// else somebody who guesses would get as many tries again with each login of the user.
class PasswordFailures {
 public:
  /// More names than this are only remembered at the price of the one with the fewest failures, of those the oldest. One that
  /// is locked is never forgotten for another: when all are locked, so is everybody else.
  static constexpr std::size_t kMaxUsers = 65536;

  /// `limit` failures within `window` of the first lock the user's passwords out for another `window`; 0: never.
  void configure(std::uint32_t limit, Duration window);
  void add(std::string_view user, TimePoint now);
  /// Whether no password or code of this user counts for now.
  bool locked(std::string_view user, TimePoint now);
  std::size_t size() const { return users_.size(); }

 private:
  struct User {
    std::uint32_t failures = 0;
    TimePoint until;  // then it is forgotten
  };
  using Users = std::map<std::string, User, std::less<>>;

  void forget_old(TimePoint now);
  void forget(Users::iterator user);
  bool has_room();
  void change(Users::iterator user, User to);

  std::uint32_t limit_ = 0;
  Duration window_{};
  Users users_;
  // The names are users_'s.
  std::set<std::pair<TimePoint, std::string_view>> by_time_;                      // the first to be forgotten in front
  std::set<std::tuple<std::uint32_t, TimePoint, std::string_view>> by_failures_;  // the first to make room in front
};

}  // namespace sallyport::auth

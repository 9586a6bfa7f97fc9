// Logins at targets take turns: a target sees only a few at a time.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include <sallyport/clock.hpp>

namespace sallyport::mux {

/// sshd refuses connections at random when too many are logging in (MaxStartups, 10:30:100). So the bastion logs in a
/// few times at once at one address; who comes later waits, the users in turn. The last quarter of the places is
/// for others than the user who has all the rest: logins of one user that hang keep nobody else out.
class LoginQueue {
 public:
  /// sshd counts a login for a moment longer than it lasts for us. So the place of one that is over is free only then,
  /// unless the target has shown that it is past it.
  static constexpr Duration kSettling = std::chrono::milliseconds(200);

  /// A place in the queue, and then at the target. Destroying it gives it back.
  class Turn {
   public:
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    /// The login may be under way.
    bool has_come() const { return has_come_; }
    /// The target does what comes after the login: the place is free as soon as it is given back.
    void note_settled() { settled_ = true; }

   private:
    friend class LoginQueue;
    Turn(LoginQueue& queue, std::string address, std::string user, std::function<void()> begin);
    LoginQueue& queue_;
    std::string address_;
    std::string user_;
    std::function<void()> begin_;
    bool has_come_ = false;
    bool settled_ = false;
  };

  LoginQueue(Clock& clock, std::size_t at_a_time) : clock_(clock), at_a_time_(at_a_time) {}
  LoginQueue(const LoginQueue&) = delete;
  LoginQueue& operator=(const LoginQueue&) = delete;

  /// Takes effect with the next turn.
  void set_limit(std::size_t at_a_time) { at_a_time_ = at_a_time; }
  /// Asks for a turn at `address`. It may have come when this returns; otherwise `begin` is called when it does, on a
  /// turn of the loop of its own. The queue outlives the turns.
  [[nodiscard]] std::unique_ptr<Turn> ask(std::string address, std::string user, std::function<void()> begin);
  std::size_t waiting(const std::string& address) const;

 private:
  /// A place at the target that is free at `free_at`.
  struct Settling {
    TimePoint free_at;
    std::string user;
  };
  struct Place {
    std::size_t logging_in = 0;
    std::map<std::string, std::size_t> logging_in_of;  // by user
    std::list<Turn*> waiting;                          // in the order in which they came
    std::deque<Settling> settling;                     // of those that log in; the first one first
    TimePoint serving_at;
    std::unique_ptr<Timer> serving;  // at that time
  };

  bool has_room(const Place& place, const std::string& user) const;
  /// Who comes next: of the users with the fewest logins under way the one who waits longest.
  Turn* next(const Place& place) const;
  static void admit(Place& place, Turn& turn);
  static void set_free(Place& place, const std::string& user);
  void leave(Turn& turn);
  void serve_at(Place& place, const std::string& address, TimePoint when);
  void serve(std::string address);

  Clock& clock_;
  std::size_t at_a_time_;
  std::map<std::string, Place> places_;  // by address
};

}  // namespace sallyport::mux

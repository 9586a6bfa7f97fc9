// Looks host names up, so that nobody waits for the names that somebody else asks for.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>

#include "net/loop/handle.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/address.hpp"

namespace sallyport::net {

/// A name server that doesn't answer holds a thread up for many seconds, and nothing can be done about that. So look-ups have
/// a part of the thread pool and no more, of which each user has a share; the others wait in line, those of different users in
/// turn. There is one look-up of a name at a time, for all who ask. What was found last is given to whoever would have to
/// wait for the answer, or for a turn.
///
/// Belongs to its loop. It knows no time limit: whoever doesn't want to wait any longer destroys the question.
class Resolver {
 public:
  /// With port 0; not empty.
  using Addresses = std::vector<SocketAddress>;
  /// How a name is looked up: calls the function once, later. Errc::not_found when there is no such name, Errc::unavailable when
  /// there was no answer. Destroying the Work means that nobody waits for it any more, though it may go on.
  using LookUp = std::function<std::unique_ptr<Work>(const std::string& name, std::function<void(Result<Addresses>)> done)>;

  /// Look-ups at a time, all in all and of one user.
  static constexpr std::size_t kLanes = 8;
  static constexpr std::size_t kShare = 2;
  /// How long an answer may take before the last one is used.
  static constexpr Duration kPatience{200};
  /// Names whose last answers are kept; beyond it, the user who has asked for the most of them loses the oldest.
  static constexpr std::size_t kMaxKnown = 1024;
  /// An answer that is older isn't used any more.
  static constexpr Duration kKnownFor = std::chrono::hours(1);

  /// `loop` outlives the resolver. By default it is the system that is asked, in the thread pool.
  explicit Resolver(Loop& loop);
  Resolver(Loop& loop, LookUp look_up);
  /// Its questions must have gone.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  Loop& loop() { return loop_; }

  /// What somebody waits for. Destroying it means that nobody does any more.
  class Question;
  /// Calls `done` once, on a later turn, with the addresses, Errc::not_found or Errc::unavailable; it may destroy the question.
  [[nodiscard]] std::unique_ptr<Question> ask(const std::string& name, const std::string& user,
                                              std::function<void(Result<Addresses>)> done);

  std::size_t known() const { return known_.size(); }
  std::size_t running() const { return running_; }

 private:
  using Questions = std::list<Question*>;
  /// A name that somebody asks for, or that is being looked up.
  struct Name {
    Questions askers;
    std::string user;  // in whose share it is looked up
    std::unique_ptr<Work> work;
  };
  using Names = std::map<std::string, Name>;
  struct User {
    Questions waiting;
    std::size_t running = 0;
  };
  struct Known {
    Addresses addresses;
    TimePoint since;
    std::string user;  // the last who had it looked up
  };

  void begin_next();
  void begin(const std::string& name, const std::string& user);
  void finish(const std::string& name, Result<Addresses> found);
  void leave(Question& question);
  const Addresses* known_answer(const std::string& name);
  void remember(const std::string& name, const std::string& user, const Addresses& addresses);
  void make_room();

  Loop& loop_;
  const LookUp look_up_;
  Names names_;
  std::map<std::string, User> users_;
  std::map<std::string, Known> known_;
  std::string last_user_;  // whose turn it was
  std::size_t running_ = 0;
};

class Resolver::Question {
 public:
  ~Question();
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

 private:
  friend class Resolver;
  using Timer = Handle<uv_timer_t, Question>;

  Question(Resolver& resolver, std::string name, std::string user, std::function<void(Result<Addresses>)> done);
  /// What is known by then has to do.
  void give_up_after(Duration patience);
  static void on_timer(uv_timer_t* uv) noexcept;
  void patience_is_over();
  void tell(Result<Addresses> found);

  Resolver& resolver_;
  const std::string name_;
  const std::string user_;
  std::function<void(Result<Addresses>)> done_;
  Name* of_ = nullptr;    // while it is among the name's askers
  bool waiting_ = false;  // it is among its user's, too
  Timer timer_;
};

}  // namespace sallyport::net

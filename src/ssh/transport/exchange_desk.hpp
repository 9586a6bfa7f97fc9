// Where exchanges of keys after the login are worked at: on another thread, one message at a time, in turn.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>

#include <sallyport/account.hpp>
#include <sallyport/bytes.hpp>

#include "net/loop/loop.hpp"
#include "ssh/keys/handles.hpp"

namespace sallyport::ssh {

struct ExchangeTask;

/// Whose session it is.
class ExchangeOwner {
 public:
  virtual ~ExchangeOwner() = default;
  /// Its turn has come: the session goes into `task`. On the desk's thread; calls nothing back.
  virtual void give(ExchangeTask& task) = 0;
  /// The session comes back with what it has to send.
  virtual void take_back(ExchangeTask& task) = 0;
};

/// A session on its way to the other thread and back, with a message that waits for spssh_work_off().
struct ExchangeTask {
  // The desk's thread alone
  ExchangeOwner* owner = nullptr;  ///< null: it has gone, and the session goes as well
  const Account* user = nullptr;   ///< whose it is: users take turns. Only compared
  Bytes session_id;                ///< for whoever asks meanwhile
  // Whose turn it is
  SessionHandle session;
  Bytes output;                        ///< what libssh has sent meanwhile
  std::chrono::microseconds spent{0};  ///< on the work
};

/// Used on the loop's thread of `home`; outlives it only in calls that are on their way.
class ExchangeDesk {
 public:
  /// The work is done on the loop of `away`, which outlives the desk.
  ExchangeDesk(net::Loop& home, net::Loop& away) : counter_(std::make_shared<Counter>(home, away)) {}
  ~ExchangeDesk() { counter_->closed = true; }
  ExchangeDesk(const ExchangeDesk&) = delete;
  ExchangeDesk& operator=(const ExchangeDesk&) = delete;

  /// The owner will be asked for its session when its turn has come. It takes itself out of the task when it goes.
  void queue(std::shared_ptr<ExchangeTask> task);

 private:
  struct Counter : std::enable_shared_from_this<Counter> {
    Counter(net::Loop& home_loop, net::Loop& away_loop) : home(home_loop), away(away_loop) {}
    void serve();
    std::shared_ptr<ExchangeTask> next();

    net::Loop& home;
    net::Loop& away;
    std::deque<std::shared_ptr<ExchangeTask>> waiting;
    const Account* last = nullptr;  // who was served
    bool busy = false;
    bool closed = false;
  };
  std::shared_ptr<Counter> counter_;
};

}  // namespace sallyport::ssh

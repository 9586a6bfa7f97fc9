// The exchanges of keys of one connection once it is logged in (RFC 4253, section 9): when, for how long, and who works at them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include <sallyport/account.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>

#include "ssh/keys/handles.hpp"
#include "ssh/transport/exchange_desk.hpp"

namespace sallyport::ssh {

/// A message of an exchange waits until the desk has worked at it, and the first one of a peer that asks for exchanges too often
/// also waits before that. The connection isn't read meanwhile, and goes on sending until its session is away.
class LaterExchanges final : private ExchangeOwner {
 public:
  /// An exchange that takes longer than this is overdue.
  static constexpr Duration kLimit{120000};
  /// A peer that has begun an exchange begins the next one so many times later than the work took, however soon it
  /// asks.
  static constexpr int kRestPerWork = 4;

  /// The connection.
  class Host {
   public:
    virtual ~Host() = default;
    /// Gives the session away, to be used on another thread until on_session_back().
    virtual SessionHandle give_session(ExchangeTask& to) = 0;
    /// Nothing waits any more; `output` is what the session has to send.
    virtual void on_session_back(SessionHandle session, ByteView output) = 0;
    /// Called once for each exchange.
    virtual void on_exchange_overdue() = 0;
  };

  LaterExchanges(Clock& clock, Host& host) : clock_(clock), host_(host) {}
  ~LaterExchanges() override;
  LaterExchanges(const LaterExchanges&) = delete;
  LaterExchanges& operator=(const LaterExchanges&) = delete;

  /// Keys are being exchanged.
  bool going_on() const { return going_on_; }
  /// Whether they are now; true when that is news.
  bool note(bool going_on);
  /// The one that was going on is over, and the next one has begun, with a limit of its own.
  void note_next() { going_on_ = false; }
  /// A message of one has come, and nothing else may be fed before it has been worked at.
  void note_message() { message_waits_ = true; }
  bool message_waits() const { return message_waits_; }
  /// Has the message worked at, when the peer may have that; `user` is who it is for. Nothing when it has been asked for already.
  void work_at(ExchangeDesk& desk, const Account* user);
  /// What waits isn't worked at any more. A session that is away comes back all the same.
  void withdraw();
  /// Withdraws, and forgets the limit.
  void stop();
  /// Of the session that is away.
  const Bytes& session_id() const { return task_->session_id; }

 private:
  void give(ExchangeTask& task) override;
  void take_back(ExchangeTask& task) override;
  void queue(ExchangeDesk& desk, const Account* user);

  Clock& clock_;
  Host& host_;
  bool going_on_ = false;
  bool message_waits_ = false;
  bool away_ = false;
  std::shared_ptr<ExchangeTask> task_;  // at the desk, or away
  std::unique_ptr<Timer> rest_;         // until it may get there
  std::chrono::microseconds work_{0};   // what the exchange has cost
  TimePoint next_ = TimePoint::min();   // not before then
  std::unique_ptr<Timer> deadline_;
};

}  // namespace sallyport::ssh

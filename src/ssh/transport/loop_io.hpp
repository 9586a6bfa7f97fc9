// What all SSH connections of one loop share: the read buffer, the write at the end of a turn, the idle sweep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>

#include "net/loop/handle.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/lingering.hpp"
#include "net/sockets/resolver.hpp"
#include "ssh/transport/output_queue.hpp"
#include "ssh/transport/turn_budget.hpp"

namespace sallyport::ssh {

class ExchangeDesk;

/// Something that wants a call before the loop next waits.
class TurnUser {
 public:
  virtual ~TurnUser() = default;
  /// Once for each time that was asked for. May destroy *this.
  virtual void end_of_turn() = 0;
  /// That has thrown, and it is still there.
  virtual void on_exception(const Error& why) = 0;
  /// About a second after it was asked for. True when much memory has been freed.
  virtual bool sweep() = 0;

 private:
  friend class LoopIo;
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
  std::size_t turn_slot_ = kNowhere;
  std::size_t sweep_slot_ = kNowhere;
};

/// Used on the loop's thread alone; must outlive the connections that use it. The process must ignore SIGPIPE.
class LoopIo {
 public:
  /// Enough for bulk: a larger read costs more cache misses than it saves calls.
  static constexpr std::size_t kReadSize = 64 * 1024;
  /// Room in front of it, for the rest of the read before.
  static constexpr std::size_t kReadHeadroom = 16 * 1024;
  static constexpr Duration kSweepInterval{1000};
  /// malloc gives what was freed in the middle of its heap back to the system only when it is told to, which takes
  /// some milliseconds with a thousand connections: not more often than this.
  static constexpr Duration kTrimInterval{5000};

  LoopIo(net::Loop& loop, Clock& clock);
  ~LoopIo();
  LoopIo(const LoopIo&) = delete;
  LoopIo& operator=(const LoopIo&) = delete;

  net::Loop& loop() { return loop_; }
  Clock& clock() { return clock_; }
  ChunkPool& chunks() { return chunks_; }
  /// For what connects to hosts by name on this loop.
  net::Resolver& resolver() { return resolver_; }
  /// For sockets that connections have given to others.
  net::Lingering& lingering() { return lingering_; }
  /// kReadHeadroom and kReadSize bytes, shared: whoever reads into it takes the data out before its callback returns.
  std::uint8_t* read_buffer() { return read_buffer_.get(); }

  /// Where connections have exchanges of keys worked at once they are logged in; null, as at first: here.
  ExchangeDesk* exchange_desk() const { return exchange_desk_; }
  void use_exchange_desk(ExchangeDesk* desk) { exchange_desk_ = desk; }
  /// Counts the turns of the loop.
  std::uint64_t turn() const { return turn_number_; }
  Pourers& pourers() { return pourers_; }

  /// end_of_turn() will be called. Nothing when it has been asked for already.
  void at_end_of_turn(TurnUser& user);
  /// sweep() will be called; memory that it frees goes back to the system. Nothing when it has been asked for already.
  void sweep_later(TurnUser& user);
  /// Gives what has been freed back to the system, soon: after connections that came to nothing, of which there may be many.
  void trim_later();
  /// No call will come any more.
  void forget(TurnUser& user);

 private:
  using Prepare = net::Handle<uv_prepare_t, LoopIo>;

  static void on_prepare(uv_prepare_t* uv) noexcept;
  void run_turn();
  void run_sweep();

  net::Loop& loop_;
  Clock& clock_;
  ChunkPool chunks_;
  net::Lingering lingering_;
  net::Resolver resolver_;
  std::unique_ptr<std::uint8_t[]> read_buffer_;
  ExchangeDesk* exchange_desk_ = nullptr;
  std::uint64_t turn_number_ = 1;
  Pourers pourers_;
  Prepare prepare_;
  net::Handle<uv_idle_t, LoopIo> idle_;
  // A user that goes leaves a null in its slot, also while the list is run.
  std::vector<TurnUser*> turn_;
  std::vector<TurnUser*> turn_running_;
  TurnUser* running_ = nullptr;  // until it goes
  std::vector<TurnUser*> sweep_;
  std::vector<TurnUser*> sweep_running_;
  std::unique_ptr<Timer> sweep_timer_;
  std::unique_ptr<Timer> trim_timer_;
};

}  // namespace sallyport::ssh

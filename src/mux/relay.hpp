// Two ends of a channel joined: data flows from one to the other, within what the receiving end takes.
#pragma once

#include <cstdint>
#include <memory>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>

#include "mux/channel_end.hpp"

namespace sallyport::mux {

/// The client's side of a relay, and the other one.
enum class Side : std::uint8_t { downstream, upstream };

/// See "Flow control" in src/README.md. The ends outlive the relay, or are parted from it first.
class Relay {
 public:
  explicit Relay(Clock& clock) : clock_(clock) {}

  /// Both peers may send from now on.
  void join(ChannelEnd& downstream, ChannelEnd& upstream);
  /// What comes from now on goes nowhere.
  void part();
  bool joined() const { return downstream_ != nullptr; }
  /// Null while nothing is joined.
  ChannelEnd* end(Side side) const { return side == Side::downstream ? downstream_ : upstream_; }
  ChannelEnd* opposite(Side side) const { return side == Side::downstream ? upstream_ : downstream_; }

  // What the end of that side has reported. Nothing happens while nothing is joined.
  void on_data(Side from, ByteView bytes);
  void on_extended_data(Side from, std::uint32_t code, ByteView bytes);
  void on_eof(Side from);
  /// The end takes more, so the other side's peer may send more.
  void on_window(Side of);

 private:
  /// Lets the peer behind `source` send as much as `sink` can take.
  void top_up(ChannelEnd& source, ChannelEnd& sink);
  void look_after_stall();

  Clock& clock_;
  ChannelEnd* downstream_ = nullptr;
  ChannelEnd* upstream_ = nullptr;
  std::unique_ptr<Timer> stall_look_;
};

}  // namespace sallyport::mux

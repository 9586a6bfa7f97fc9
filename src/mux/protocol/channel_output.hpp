// What one channel sends: by its connection at once, or held until that has sent what it has.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <sallyport/bytes.hpp>
#include <sallyport/ids.hpp>

#include "mux/flow/outflow.hpp"
#include "mux/flow/room_limits.hpp"
#include "mux/flow/window.hpp"
#include "mux/protocol/held_messages.hpp"

namespace sallyport::mux {

class Channel;
class Connection;

/// The peer's side of a channel, from its CHANNEL_OPEN or its confirmation.
struct PeerEnd {
  RecipientChannel number{};
  std::uint32_t window = 0;
  std::uint32_t maximum_packet = 0;
};

/// Messages leave in their order. What is data counts in the peer's window when it comes here, however long it waits. Knows the
/// peer's number, and not what is in order in which state: that is the channel's.
class ChannelOutput {
 public:
  /// Whether a message may be held. The last words on a channel that the peer has closed are short, and must be gone when it
  /// goes.
  enum class Wait : bool { no, yes };

  /// Both outlive it; `channel` is called when the connection has drained.
  ChannelOutput(Connection& connection, Channel& channel);

  /// There is somebody to send to. Before that nothing may be sent.
  void opened(const PeerEnd& peer);
  RecipientChannel recipient() const { return recipient_; }
  std::uint32_t maximum_packet() const { return maximum_packet_; }

  /// A message without data.
  void send(ByteView message, Wait wait);
  /// In messages of the peer's maximum packet size. False, and nothing is sent, when it is more than the whole window.
  [[nodiscard]] bool send_data(DataKind kind, ByteView bytes);
  /// One of those that are held. False when none is left.
  bool send_held();
  bool has_held() const { return !held_.empty(); }
  std::size_t held_data() const { return held_.data(); }
  std::size_t held_control() const { return held_.control(); }
  /// What is held isn't sent any more.
  void drop_held() { held_.clear(); }

  /// What users may send, without what is reserved.
  std::uint32_t window() const { return window_.bytes() - std::min(window_.bytes(), reserved_); }
  std::uint32_t whole_window() const { return window_.bytes(); }
  void reserve(std::uint32_t bytes) { reserved_ = std::min(bytes, window_.bytes() / 4); }
  /// The peer gives back so much of its window, or enlarges it. False when that would be too large.
  [[nodiscard]] bool adjust(std::uint32_t bytes);
  /// See ChannelEnd.
  std::uint32_t room_within(const RoomLimits& wanted);
  /// Looks whether the peer keeps silent though it has everything; the connection learns what that says of its habit.
  void look_for_silence();

  /// Data, held or gone.
  std::uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  /// Sends a message that ends with `data` bytes of data.
  void pass(ByteView head, ByteView tail, std::uint32_t data);
  bool must_hold(Wait wait) const;
  void hold(ByteView head, ByteView data, DataKind kind);
  /// Adds the data to what is held; false when it must have a message of its own.
  bool append_to_held(DataKind kind, ByteView data);

  Connection& connection_;
  Channel& channel_;
  RecipientChannel recipient_{};
  Window window_;
  std::uint32_t reserved_ = 0;
  std::uint32_t maximum_packet_ = 0;
  Outflow outflow_;
  HeldMessages held_;
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace sallyport::mux

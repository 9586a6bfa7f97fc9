// What a relay joins: two ends of a channel, each a channel of an SSH connection or a program on the bastion.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sallyport/bytes.hpp>
#include <sallyport/told.hpp>

#include "mux/flow/flow.hpp"
#include "mux/flow/flow_credit.hpp"
#include "mux/flow/room_limits.hpp"
#include "wire/channel_requests.hpp"

namespace sallyport::mux {

/// What becomes of data beyond what was granted.
enum class Excess : std::uint8_t {
  refused,  ///< the channel ends: a stream with a hole must not pass for the whole one
  dropped,  ///< nothing reads yet, and sshd would drop it
  taken,    ///< on_data() follows
};

/// What an end reports: what came from the peer behind it. None of it is called inside a call of the same end's.
class ChannelEvents {
 public:
  virtual ~ChannelEvents() = default;
  /// Within what was granted to the end, but for what on_excess() has said.
  virtual void on_data(ByteView bytes) = 0;
  virtual void on_extended_data(std::uint32_t code, ByteView bytes) = 0;
  /// The peer sends `size` bytes, which is more than it was granted. What is taken has a bound all the same (Channel::kGrace).
  virtual Excess on_excess(std::size_t size) {
    static_cast<void>(size);
    return Excess::refused;
  }
  virtual void on_eof() = 0;
  /// A request, which is sound (see wire/vocabulary.hpp). With `want_reply` it is owed an answer by send_reply(), in
  /// the order of requests.
  virtual void on_request(wire::SessionRequest request, bool want_reply) = 0;
  /// The answer to the oldest request of ours that wanted one.
  virtual void on_reply(bool success) = 0;
  /// The end takes more than it did: its window grew, or it is no longer congested.
  virtual void on_window() = 0;
  /// The peer closed the channel after EOF both ways. OpenSSH's client does that as soon as it has seen the last EOF, and
  /// still waits for the exit status: an answer without it makes 255 of it. True keeps the channel until
  /// send_close(), for requests of ours; on_close() doesn't come then.
  virtual bool answers_close_later() { return false; }
  /// The last event: the peer closed the channel, and has been answered. The end goes away on a later turn.
  virtual void on_close() = 0;
  /// The last event in place of on_close: the connection, or the program, was lost. `told` is for a client.
  virtual void on_lost(Told told) = 0;
};

/// One end. What is sent leaves in order, but for window adjusts.
class ChannelEnd {
 public:
  virtual ~ChannelEnd() = default;

  /// Never more than the window. Splits what is larger than the peer's maximum packet size.
  virtual void send_data(ByteView bytes) = 0;
  virtual void send_extended_data(std::uint32_t code, ByteView bytes) = 0;
  /// These three are ignored where the state of the channel doesn't allow them any more.
  virtual void send_eof() = 0;
  virtual void send_close() = 0;
  virtual void send_request(const wire::SessionRequest& request, bool want_reply) = 0;
  /// Nobody wants it any more: it reports nothing from now on, and closes behind what has been sent.
  virtual void abandon() = 0;
  /// The same, for what was sent is not all that there was: an end that can tell its peer so does.
  virtual void break_off() { abandon(); }
  /// False while so many requests wait to leave that one more would be a flood; whoever has one then refuses it.
  virtual bool takes_requests() const = 0;
  /// Answers the oldest request that was reported with want_reply.
  virtual void send_reply(bool success) = 0;

  /// How its flow is now.
  virtual Flow flow() const = 0;
  /// What data passes over behind this end: asked for once a round.
  virtual FlowCredit::Line line() const = 0;
  /// How many bytes may be sent within the limits, as far as can be told.
  virtual std::uint32_t room_within(const RoomLimits& limits) = 0;
  /// Nothing more is sent for want of that room: on_window() comes when there may be more, after the larger of a round trip and
  /// some milliseconds unless the line itself stands. Nothing when it has been asked for already.
  virtual void call_when_there_is_room() = 0;
  /// It is congested: on_window() comes when it is no more.
  virtual void call_when_uncongested() = 0;
  /// Lets the peer behind this end send more.
  virtual void grant(std::uint32_t bytes) = 0;
};

}  // namespace sallyport::mux

// One channel of one SSH connection: its numbers, its state, its windows, and what waits to be sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/account.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/told.hpp>

#include "mux/flow/activity.hpp"
#include "mux/flow/window.hpp"
#include "mux/protocol/channel_end.hpp"
#include "mux/protocol/channel_lifecycle.hpp"
#include "mux/protocol/channel_output.hpp"
#include "mux/protocol/reply_queue.hpp"
#include "wire/channel_opens.hpp"
#include "wire/messages.hpp"
#include "wire/vocabulary.hpp"

namespace sallyport::mux {

class Connection;

/// Receives the outcome of a channel that we opened; exactly one of the two.
class OpenEvents {
 public:
  virtual ~OpenEvents() = default;
  virtual void on_open_confirmed() = 0;
  virtual void on_open_refused(wire::OpenFailureReason reason, std::string_view description) = 0;
  /// The connection went before there was an answer.
  virtual void on_open_lost(Told told) = 0;
};

/// The channel type of shells, commands and subsystems (RFC 4254, 6.1).
inline constexpr std::string_view kSessionType = wire::kSession;

/// A channel that we ask the peer for.
struct OpenRequest {
  std::string type{kSessionType};
  std::uint32_t granted = 0;           ///< its initial window
  Bytes rest;                          ///< the fields that belong to the type
  std::optional<TrunkId> beside = {};  ///< the trunk that it had best go to, if that has room: see WishOrder
  bool afresh = false;                 ///< only on a trunk that has had no session
};

/// What it sends is its ChannelOutput's.
class Channel final : public ChannelEnd {
 public:
  /// What one is charged with in its connection's account: itself, and the half that its user has in whoever relays it.
  static constexpr std::size_t kCost = 1024;
  /// The largest data message that we invite; what OpenSSH uses for session channels.
  static constexpr std::uint32_t kMaximumPacket = 32 * 1024;
  /// More bytes of requests than this are not taken while they can't leave …
  static constexpr std::size_t kHeldRequestLimit = 128 * 1024;
  /// … and a peer that has made us hold this much, answers to requests of its own included, is flooding.
  static constexpr std::size_t kHeldControlLimit = 256 * 1024;
  /// What OpenSSH bears beyond a window, a tenth of its largest one (channel_input_data()), in all before the peer is within it
  /// again.
  static constexpr std::uint32_t kGrace = 2 * 1024 * 1024 / 10;
  /// A peer that owes more answers than this gives none, and isn't asked for a sign of life here.
  static constexpr std::size_t kMostAsked = 256;
  /// How many messages the peer's maximum packet size may make of what one credit allows: a maximum of one byte
  /// must not turn two megabytes of data into two million messages.
  static constexpr std::uint32_t kMaximumMessages = 1024;

  /// Asked for by the peer, with that type: waits for confirm() or refuse().
  Channel(Connection& connection, LocalChannel local, std::string_view type, const PeerEnd& peer);
  /// Being opened by us as `request` says; `outcome` must outlive the answer or be taken back by abandon().
  Channel(Connection& connection, LocalChannel local, const OpenRequest& request, OpenEvents& outcome);

  LocalChannel local() const { return local_; }
  ChannelState state() const { return state_; }
  /// A session. Of those that we opened: what a server counts.
  bool is_session() const { return is_session_; }
  /// The connection's.
  const std::shared_ptr<Account>& account() const;
  /// Who gets the events from now on; null: what comes is swallowed.
  void attach(ChannelEvents* user) { user_ = user; }
  /// Lets the peer have the channel that it asked for, with the window `granted`.
  void confirm(std::uint32_t granted);
  /// Refuses it; the channel is gone with this call.
  void refuse(wire::OpenFailureReason reason, Told told);

  /// Answers the request that is being reported by on_request(); may be called only there, and only when it wants a
  /// reply. Those that were passed on before it are answered first.
  void answer_now(bool success);

  // ChannelEnd
  void send_data(ByteView bytes) override;
  void send_extended_data(std::uint32_t code, ByteView bytes) override;
  void send_eof() override;
  void send_close() override;
  void send_request(const wire::SessionRequest& request, bool want_reply) override;
  /// One that is being opened is closed as soon as it has been confirmed; one that the peer still waits for is refused.
  void abandon() override;
  bool takes_requests() const override { return output_.held_control() <= kHeldRequestLimit; }
  void send_reply(bool success) override;
  Flow flow() const override;
  FlowCredit::Line line() const override;
  std::uint32_t room_within(const RoomLimits& wanted) override;
  void call_when_there_is_room() override;
  void call_when_uncongested() override;
  void grant(std::uint32_t bytes) override;

  // The parts of flow(), for whoever has the channel itself.
  std::uint32_t window() const { return output_.window(); }
  std::uint32_t granted() const { return receive_window_.bytes(); }
  std::uint32_t credit() const;
  /// Keeps some of the window back from whoever is told window(), for what the bastion itself may have to say to the peer beside
  /// it. A quarter at the most.
  void reserve(std::uint32_t bytes) { output_.reserve(bytes); }
  /// All that may be sent, what is reserved included.
  std::uint32_t whole_window() const { return output_.whole_window(); }

  /// Asks the peer whether it lives; the answer is swallowed. False when this channel can't: it isn't open, or has messages held.
  bool ask_for_life();

  // What the connection has parsed for this channel. A text is what the peer did wrong, and the end of its connection. What
  // OpenSSH ignores is ignored; what exceeds a bound of this channel's ends it alone.
  using Violation = std::optional<std::string_view>;
  Violation on_confirmation(const PeerEnd& peer);
  Violation on_failure(wire::OpenFailureReason reason, std::string_view description);
  Violation on_window_adjust(std::uint32_t bytes);
  Violation on_data(ByteView bytes);
  Violation on_extended_data(std::uint32_t code, ByteView bytes);
  Violation on_eof();
  Violation on_close();
  Violation on_request(std::string_view type, bool want_reply, ByteView rest);
  Violation on_reply(bool success);
  /// The connection is gone. The last call.
  void on_lost(Told told);

  /// Sends one message of those that wait. False when none is left.
  bool send_held() { return output_.send_held(); }
  bool has_held() const { return output_.has_held(); }
  /// Bytes of all that waits.
  std::size_t held() const { return output_.held_data() + output_.held_control(); }
  /// Tells the user that it may go on. Called when nothing is held any more and the connection isn't congested.
  void on_uncongested();
  /// The look that call_when_there_is_room() asked for.
  void look_for_room();

  std::uint64_t bytes_received() const { return bytes_received_; }
  std::uint64_t bytes_sent() const { return output_.bytes_sent(); }

 private:
  friend class ChannelTable;
  friend class Connection;
  /// Takes the row of the table; false when there is none.
  bool apply(ChannelEvent event);
  /// The one place where the state changes.
  void enter(ChannelState state);
  /// Takes `size` bytes out of the window; false when nothing is to be made of them.
  bool take_data(std::size_t size);
  bool take_excess(std::size_t size);
  /// Sends WINDOW_ADJUST.
  void adjust(std::uint32_t bytes);
  /// The peer has gone too far: closes the channel. `what` is a fixed phrase, also for a client.
  void end_for(std::string_view what);
  /// What keeps a request from being passed on; empty when nothing does.
  std::string_view why_unsound(const wire::Reading& request) const;
  void send_data(DataKind kind, ByteView bytes);
  /// Sends the message, or holds it while it can't leave.
  void emit(ByteView message);
  void emit_reply(bool success);
  void emit_number_only(wire::MessageType type);

  Connection& connection_;
  ChannelEvents* user_ = nullptr;
  OpenEvents* outcome_ = nullptr;
  LocalChannel local_;
  ChannelState state_;
  bool is_session_;
  bool waiting_for_drain_ = false;  // in the connection's list of channels to call when it drains
  bool waiting_for_room_ = false;   // in that of channels to look at
  Activity::Mark active_in_ = 0;
  ChannelOutput output_;
  Window receive_window_;
  TimePoint asked_at_;          // when we sent CHANNEL_OPEN
  std::vector<bool> asked_;     // the answers that the peer owes, front first: whether its user waits for it
  std::uint32_t exceeded_ = 0;  // what has come beyond the window since it was last kept
  TimePoint ending_since_;      // see is_owed_an_end()
  bool overdue_ = false;        // for Connection::kEndPatience
  ReplyQueue owed_replies_;
  std::uint64_t bytes_received_ = 0;
};

}  // namespace sallyport::mux

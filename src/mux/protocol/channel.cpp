#include "mux/protocol/channel.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "mux/protocol/connection.hpp"
#include "mux/protocol/shown_text.hpp"
#include "wire/encoding.hpp"

namespace sallyport::mux {
namespace {

using wire::MessageType;
constexpr std::uint8_t byte_of(MessageType type) { return static_cast<std::uint8_t>(type); }

}  // namespace

Channel::Channel(Connection& connection, LocalChannel local, std::string_view type, const PeerEnd& peer)
    : connection_(connection),
      local_(local),
      state_(ChannelState::requested),
      is_session_(type == kSessionType),
      output_(connection, *this) {
  output_.opened(peer);
}

const std::shared_ptr<Account>& Channel::account() const { return connection_.account(); }

Channel::Channel(Connection& connection, LocalChannel local, const OpenRequest& request, OpenEvents& outcome)
    : connection_(connection),
      outcome_(&outcome),
      local_(local),
      state_(ChannelState::opening),
      is_session_(request.type == kSessionType),
      output_(connection, *this),
      receive_window_(request.granted),
      asked_at_(connection.now()) {}

void Channel::confirm(std::uint32_t granted) {
  if (!apply(ChannelEvent::local_confirm)) return;
  receive_window_ = Window(granted);
  connection_.send(wire::build_channel_open_confirmation(output_.recipient(), local_, granted, kMaximumPacket));
}

void Channel::refuse(wire::OpenFailureReason reason, Told told) {
  if (!apply(ChannelEvent::local_refuse)) return;
  user_ = nullptr;
  connection_.send(wire::build_channel_open_failure(output_.recipient(), reason, clean_line(told.text())));
  connection_.remove(*this);
}

void Channel::abandon() {
  user_ = nullptr;
  outcome_ = nullptr;
  if (state_ == ChannelState::requested) return refuse(wire::OpenFailureReason::connect_failed, Told("the other end is gone"));
  send_close();
}

bool Channel::apply(ChannelEvent event) {
  const auto row = transition(state_, event);
  if (!row) return false;
  enter(row->to);
  if (row->send == Send::eof) emit_number_only(MessageType::channel_eof);
  if (row->send == Send::close) emit_number_only(MessageType::channel_close);
  return true;
}

void Channel::enter(ChannelState state) {
  const ChannelState from = std::exchange(state_, state);
  connection_.on_channel_changed(*this, from);
  if (!is_owed_an_end(state)) return;
  ending_since_ = connection_.now();
  connection_.note_ending();
}

// --- sending -----------------------------------------------------------------------------------------------------

void Channel::send_data(ByteView bytes) { send_data({}, bytes); }

void Channel::send_extended_data(std::uint32_t code, ByteView bytes) { send_data({true, code}, bytes); }

void Channel::send_data(DataKind kind, ByteView bytes) {
  if (!may_send(state_)) return;
  const bool fits = output_.send_data(kind, bytes);
  assert(fits);
  if (!fits) return send_close();  // a stream with a hole must not pass for the whole one
  connection_.note_activity(*this, bytes.size());
}

void Channel::send_eof() { apply(ChannelEvent::local_eof); }

void Channel::send_close() {
  const bool answers = state_ == ChannelState::close_received;
  apply(ChannelEvent::local_close);
  if (answers) connection_.remove(*this);
}

void Channel::send_request(const wire::SessionRequest& request, bool want_reply) {
  // A request is no data: it may follow our EOF.
  if (!may_send(state_) && state_ != ChannelState::eof_sent && state_ != ChannelState::eof_both &&
      state_ != ChannelState::close_received)
    return;
  if (want_reply) asked_.push_back(true);
  emit(wire::build_channel_request(output_.recipient(), wire::type_of(request), want_reply, wire::build_fields(request)));
}

void Channel::send_reply(bool success) {
  owed_replies_.resolve(success, [this](bool answer) { emit_reply(answer); });
}

void Channel::answer_now(bool success) {
  owed_replies_.answer_newest(success, [this](bool answer) { emit_reply(answer); });
}

void Channel::emit_reply(bool success) {
  if (state_ == ChannelState::close_sent || state_ == ChannelState::closed) return;
  emit_number_only(success ? MessageType::channel_success : MessageType::channel_failure);
}

void Channel::emit_number_only(MessageType type) {
  wire::HeadWriter message;
  message.byte(byte_of(type)).uint32(number(output_.recipient()));
  emit(message.view());
}

void Channel::emit(ByteView message) {
  const bool is_over = state_ == ChannelState::close_received || state_ == ChannelState::closed;
  output_.send(message, is_over ? ChannelOutput::Wait::no : ChannelOutput::Wait::yes);
}

void Channel::call_when_uncongested() { connection_.call_when_drained(*this); }

void Channel::on_uncongested() {
  if (user_ != nullptr) user_->on_window();
}

std::uint32_t Channel::room_within(const RoomLimits& limits) { return output_.room_within(limits); }

void Channel::call_when_there_is_room() {
  if (!std::exchange(waiting_for_room_, true)) connection_.look_later(*this);
}

void Channel::look_for_room() {
  waiting_for_room_ = false;
  output_.look_for_silence();
  if (user_ != nullptr) user_->on_window();
}

std::uint32_t Channel::credit() const {
  const std::uint64_t by_messages = std::uint64_t{output_.maximum_packet()} * kMaximumMessages;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(connection_.credit(), by_messages));
}

Flow Channel::flow() const {
  return {.window = window(),
          .granted = granted(),
          .credit = credit(),
          .congested = has_held() || connection_.congested(),
          .in_company = connection_.in_company()};
}

FlowCredit::Line Channel::line() const { return {connection_.round_trip(), connection_.floor_in_company()}; }

void Channel::grant(std::uint32_t bytes) {
  if (bytes == 0 || state_ == ChannelState::close_sent) return;
  // Some say EOF with data still to send, and end when it has gone: they stand before a window without room for a message.
  const bool may_stand = has_said_eof(state_) && bytes_received_ > 0 && receive_window_.bytes() < kMaximumPacket;
  if (may_receive_data(state_) || may_stand) adjust(bytes);
}

void Channel::adjust(std::uint32_t bytes) {
  const bool fits = receive_window_.add(bytes);
  assert(fits);
  if (!fits) return;
  wire::HeadWriter message;
  message.byte(byte_of(MessageType::channel_window_adjust)).uint32(number(output_.recipient())).uint32(bytes);
  connection_.send(message.view());  // overtakes what is held: nothing depends on its place
}

bool Channel::ask_for_life() {
  // What is held would be overtaken, and with it the order of the answers.
  const bool is_open = is_answered(state_) && state_ != ChannelState::close_received && !is_owed_an_end(state_);
  if (!is_open || has_held() || asked_.size() >= kMostAsked) return false;
  asked_.push_back(false);
  connection_.send(wire::build_channel_request(output_.recipient(), wire::kKeepalive, true, {}));
  return true;
}

// --- receiving ---------------------------------------------------------------------------------------------------

Channel::Violation Channel::on_confirmation(const PeerEnd& peer) {
  if (state_ != ChannelState::opening && state_ != ChannelState::abandoned) return "a confirmation of no open";
  output_.opened(peer);
  connection_.note_answer(connection_.now() - asked_at_);
  const bool is_of_use = peer.maximum_packet > 0;
  if (!is_of_use) apply(ChannelEvent::local_close);
  apply(ChannelEvent::confirmed);
  OpenEvents* outcome = std::exchange(outcome_, nullptr);
  if (outcome == nullptr) return {};
  is_of_use ? outcome->on_open_confirmed()
            : outcome->on_open_refused(wire::OpenFailureReason::administratively_prohibited, "a maximum packet size of 0");
  return {};
}

Channel::Violation Channel::on_failure(wire::OpenFailureReason reason, std::string_view description) {
  if (!apply(ChannelEvent::refused)) return "a refusal of no open";
  if (OpenEvents* outcome = std::exchange(outcome_, nullptr)) outcome->on_open_refused(reason, description);
  return {};
}

Channel::Violation Channel::on_window_adjust(std::uint32_t bytes) {
  if (!is_answered(state_)) {
    connection_.ignore("a window adjust before its time");
    return {};
  }
  if (!output_.adjust(bytes)) return "a window beyond 2^32-1";
  if (user_ != nullptr) user_->on_window();
  return {};
}

bool Channel::take_data(std::size_t size) {
  if (!may_receive_data(state_)) {
    connection_.ignore("data that the channel's state does not allow");
    // As OpenSSH does: it is dropped, and counts as consumed.
    if (has_said_eof(state_) && size > 0 && receive_window_.take(size)) adjust(static_cast<std::uint32_t>(size));
    return false;
  }
  if (state_ == ChannelState::close_sent) return false;  // it has crossed our CLOSE, and nobody wants it
  // The size of a message is not looked at: what keeps to the window costs no more in one than in several.
  if (receive_window_.take(size)) {
    exceeded_ = 0;
  } else if (!take_excess(size)) {
    return false;
  }
  bytes_received_ += size;
  connection_.note_activity(*this, size);
  // Empty data means nothing, and costs no window: it isn't passed on.
  return user_ != nullptr && size > 0;
}

bool Channel::take_excess(std::size_t size) {
  const std::size_t beyond = size - receive_window_.bytes();
  Excess excess = user_ == nullptr ? Excess::refused : user_->on_excess(size);
  if (excess == Excess::taken && beyond > kGrace - exceeded_) excess = Excess::refused;
  if (excess == Excess::refused) {
    end_for("more data than the window allows");
    return false;
  }
  if (excess == Excess::dropped) {
    connection_.ignore("data before a program runs");
    return false;
  }
  exceeded_ += static_cast<std::uint32_t>(beyond);
  receive_window_ = Window();
  return true;
}

void Channel::end_for(std::string_view what) {
  connection_.on_unsound(wire::Form::channel_request, "channel ended", what, this);
  ChannelEvents* const user = std::exchange(user_, nullptr);
  send_close();
  if (user != nullptr) user->on_lost(Told(what));
}

Channel::Violation Channel::on_data(ByteView bytes) {
  if (take_data(bytes.size())) user_->on_data(bytes);
  return {};
}

Channel::Violation Channel::on_extended_data(std::uint32_t code, ByteView bytes) {
  if (take_data(bytes.size())) user_->on_extended_data(code, bytes);
  return {};
}

Channel::Violation Channel::on_eof() {
  if (!apply(ChannelEvent::peer_eof)) {
    connection_.ignore("EOF that the channel's state does not allow");
  } else if (user_ != nullptr && state_ != ChannelState::close_sent) {
    user_->on_eof();
  }
  return {};
}

Channel::Violation Channel::on_close() {
  if (state_ == ChannelState::close_received) {
    connection_.ignore("a second CLOSE");
    return {};
  }
  const auto row = transition(state_, ChannelEvent::peer_close);
  if (!row) return "CLOSE that the channel's state does not allow";
  // Whatever still waits is for somebody who has left. Our own CLOSE may be among it, and it can't be held any more:
  // the channel goes with this call, and the peer would wait for it for ever.
  const bool close_is_held = state_ == ChannelState::close_sent && has_held();
  output_.drop_held();
  enter(row->to);
  if (row->send == Send::close || close_is_held) {
    wire::HeadWriter message;
    message.byte(byte_of(MessageType::channel_close)).uint32(number(output_.recipient()));
    connection_.send(message.view());
  }
  if (state_ == ChannelState::close_received) {
    if (user_ != nullptr && user_->answers_close_later()) return {};
    apply(ChannelEvent::local_close);
  }
  if (ChannelEvents* user = std::exchange(user_, nullptr)) user->on_close();
  return {};
}

Channel::Violation Channel::on_request(std::string_view type, bool want_reply, ByteView rest) {
  if (!is_answered(state_) && want_reply) return "a request before its time";
  if (!is_answered(state_) || state_ == ChannelState::close_received) {
    connection_.ignore("a request that the channel's state does not allow");
    return {};
  }
  if (state_ == ChannelState::close_sent) return {};  // it has crossed our CLOSE, behind which there are no answers
  if ((want_reply && owed_replies_.full()) || output_.held_control() > kHeldControlLimit) {
    end_for("too many unanswered requests");
    return {};
  }
  if (want_reply) owed_replies_.expect();
  // sshd's keepalive comes on any open channel; answered here, no stopped client can make it drop the connection.
  const bool keepalive = type == wire::kKeepalive;
  if (keepalive || user_ == nullptr) {
    if (want_reply) answer_now(keepalive);
    return {};
  }
  const wire::Reading reading(wire::Form::channel_request, connection_.peer(), type, rest);
  const std::string_view why = why_unsound(reading);
  auto request = why.empty() ? wire::parse_session_request(type, reading.fields()) : std::nullopt;
  if (!request) {
    if (want_reply) answer_now(false);
    connection_.on_unsound(wire::Form::channel_request, type, why.empty() ? wire::kMalformed : why, this);
    return {};
  }
  user_->on_request(*std::move(request), want_reply);
  return {};
}

std::string_view Channel::why_unsound(const wire::Reading& request) const {
  if (!request.sound()) return request.why();
  return is_session_ || request.on_any_channel() ? std::string_view{} : "a request for sessions";
}

Channel::Violation Channel::on_reply(bool success) {
  if (asked_.empty()) {
    connection_.ignore("an answer to no request");
    return {};
  }
  const bool is_awaited = asked_.front();
  asked_.erase(asked_.begin());
  if (is_awaited && user_ != nullptr && state_ != ChannelState::close_sent) user_->on_reply(success);
  return {};
}

void Channel::on_lost(Told told) {
  enter(ChannelState::closed);
  if (OpenEvents* outcome = std::exchange(outcome_, nullptr)) return outcome->on_open_lost(told);
  if (ChannelEvents* user = std::exchange(user_, nullptr)) user->on_lost(told);
}

}  // namespace sallyport::mux

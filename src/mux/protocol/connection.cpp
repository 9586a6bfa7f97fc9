#include "mux/protocol/connection.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "mux/protocol/shown_text.hpp"
#include "wire/encoding.hpp"

namespace sallyport::mux {
namespace {

using wire::MessageType;

constexpr std::uint8_t kMsgUnimplemented = 3;  // RFC 4253, 12
/// Held messages up to this size are a keystroke's or a program's short answer, and go before bulk.
constexpr std::uint32_t kInteractive = 4 * 1024;

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, Clock& clock, Graveyard& graveyard, KeepaliveSettings keepalive,
                       Credit credit, std::shared_ptr<Account> account)
    : clock_(clock),
      graveyard_(graveyard),
      transport_(std::move(transport)),
      line_(clock, *transport_,
            [this](LocalChannel local) {
              if (Channel* channel = channels_.find(local)) channel->look_for_room();
            }),
      credit_(credit),
      account_(std::move(account)),
      channels_(account_),
      liveness_(clock, keepalive, *this),
      asked_(clock),
      activity_(clock.now()) {
  transport_->charge_to(account_);
  transport_->attach(this);
}

Connection::~Connection() = default;

void Connection::on_other_message(std::uint8_t type) {
  if (!usable()) return;
  liveness_.note_message();
  // A peer answers in order, and all that we send but a global request is known to everybody.
  if (type == kMsgUnimplemented) static_cast<void>(asked_.on_answer(false, {}));
}

void Connection::on_message(ByteView payload) {
  if (!usable() || payload.empty()) return;
  liveness_.note_message();
  bytes_received_ += payload.size();
  dispatch(static_cast<MessageType>(payload[0]), payload);
  look_at_held();
  if (!usable() || transport_->backlog() <= kPauseBacklog) return;
  paused_ = true;
  transport_->pause();
}

void Connection::dispatch(MessageType type, ByteView payload) {
  switch (type) {
    case MessageType::channel_data:
      return to_channel(wire::parse_channel_data(payload),
                        [](Channel& channel, const wire::ChannelData& m) { return channel.on_data(m.data); });
    case MessageType::channel_window_adjust:
      return to_channel(
          wire::parse_channel_window_adjust(payload),
          [](Channel& channel, const wire::ChannelWindowAdjust& m) { return channel.on_window_adjust(m.bytes); },
          Unknown::ignored);
    case MessageType::channel_extended_data:
      return to_channel(wire::parse_channel_extended_data(payload), [](Channel& channel, const wire::ChannelExtendedData& m) {
        return channel.on_extended_data(m.code, m.data);
      });
    case MessageType::channel_request: return handle_channel_request(payload);
    case MessageType::channel_eof:
      return to_channel(wire::parse_channel_only(payload), [](Channel& channel, LocalChannel) { return channel.on_eof(); });
    case MessageType::channel_close:
      return to_channel(wire::parse_channel_only(payload), [](Channel& channel, LocalChannel) { return channel.on_close(); });
    case MessageType::channel_success:
      return to_channel(
          wire::parse_channel_only(payload), [](Channel& channel, LocalChannel) { return channel.on_reply(true); },
          Unknown::ignored);
    case MessageType::channel_failure:
      return to_channel(
          wire::parse_channel_only(payload), [](Channel& channel, LocalChannel) { return channel.on_reply(false); },
          Unknown::ignored);
    case MessageType::channel_open: return handle_channel_open(payload);
    case MessageType::channel_open_confirmation:
      return to_channel(wire::parse_channel_open_confirmation(payload),
                        [](Channel& channel, const wire::ChannelOpenConfirmation& m) {
                          return channel.on_confirmation({m.sender, m.initial_window, m.maximum_packet});
                        });
    case MessageType::channel_open_failure:
      return to_channel(wire::parse_channel_open_failure(payload), [](Channel& channel, const wire::ChannelOpenFailure& m) {
        return channel.on_failure(m.reason, m.description);
      });
    case MessageType::global_request: return handle_global_request(payload);
    case MessageType::request_success:
    case MessageType::request_failure:
      if (!asked_.on_answer(type == MessageType::request_success, payload.subspan(1))) ignore("an answer to no global request");
      return;
  }
  violation("a message number of no meaning");
}

namespace {
LocalChannel recipient_of(LocalChannel message) { return message; }
template <typename Message>
LocalChannel recipient_of(const Message& message) {
  return message.recipient;
}
}  // namespace

template <typename Message, typename Handle>
void Connection::to_channel(const std::optional<Message>& message, Handle handle, Unknown unknown) {
  if (!message) return violation("malformed channel message");
  const LocalChannel local = recipient_of(*message);
  if (Channel* channel = channels_.find(local)) return after_event(*channel, handle(*channel, *message));
  if (channels_.numbers().is_resting(local, clock_.now())) return;  // it has crossed our CLOSE
  if (!channels_.numbers().has_been_taken(local) && unknown == Unknown::violation)
    return violation("a message for a channel that isn't open");
  ignore("a message for a channel that isn't open");
}

void Connection::after_event(Channel& channel, Channel::Violation what) {
  if (what) return violation(*what);
  if (channel.state() == ChannelState::closed) remove(channel);
}

void Connection::remove(Channel& channel) {
  const LocalChannel local = channel.local();
  graveyard_.bury(channels_.take_out(channel, clock_.now()));
  on_channel_gone(local);
}

void Connection::handle_channel_open(ByteView payload) {
  const auto open = wire::parse_channel_open(payload);
  if (!open) return violation("malformed CHANNEL_OPEN");
  const wire::Reading reading(wire::Form::channel_open, peer(), open->type, open->rest);
  const auto fields = reading.sound() ? wire::parse_open_fields(open->type, reading.fields()) : std::nullopt;
  if (fields) return on_channel_open(*open, *fields);
  const std::string_view why = reading.sound() ? wire::kMalformed : reading.why();
  refuse_open(
      open->sender,
      reading.known() ? wire::OpenFailureReason::administratively_prohibited : wire::OpenFailureReason::unknown_channel_type,
      why);
  on_unsound(wire::Form::channel_open, open->type, why, nullptr);
}

void Connection::handle_channel_request(ByteView payload) {
  // As in OpenSSH, whose client minds none for a number that isn't open, and whose server does.
  to_channel(
      wire::parse_channel_request(payload),
      [](Channel& channel, const wire::ChannelRequest& m) { return channel.on_request(m.type, m.want_reply, m.rest); },
      peer() == wire::Speaker::target ? Unknown::ignored : Unknown::violation);
}

void Connection::handle_global_request(ByteView payload) {
  const auto request = wire::parse_global_request(payload);
  if (!request) return violation("malformed GLOBAL_REQUEST");
  if (request->want_reply && owed_global_replies_.full()) return violation("too many unanswered global requests");
  const auto ticket = request->want_reply ? owed_global_replies_.expect() : GlobalReplies::Ticket::none;
  if (request->name == wire::kKeepalive) return answer_global(ticket, true);
  const wire::Reading reading(wire::Form::global_request, peer(), request->name, request->rest);
  const auto fields = reading.sound() ? wire::parse_global_fields(request->name, reading.fields()) : std::nullopt;
  if (fields) return on_global_request(*request, *fields, ticket);
  answer_global(ticket, false);
  on_unsound(wire::Form::global_request, request->name, reading.sound() ? wire::kMalformed : reading.why(), nullptr);
}

void Connection::answer_global(GlobalReplies::Ticket ticket, bool success, ByteView rest) {
  owed_global_replies_.answer(ticket, success ? wire::build_request_success(rest) : wire::build_request_failure(),
                              [this](ByteView message) { send(message); });
}

void Connection::ask(std::string_view name, ByteView rest, GlobalAnswerEvents& asker) {
  if (asked_.full()) disconnect(DisconnectReason::connection_lost, "no answers to global requests");
  send(wire::build_global_request(name, true, rest));
  asked_.expect(asker);
  liveness_.note_question();
}

void Connection::tell(std::string_view name, ByteView rest) { send(wire::build_global_request(name, false, rest)); }

void Connection::refuse_open(RecipientChannel sender, wire::OpenFailureReason reason, std::string_view description) {
  send(wire::build_channel_open_failure(sender, reason, clean_line(description)));
}

void Connection::call_when_drained(Channel& channel) {
  if (channel.waiting_for_drain_) return;
  channel.waiting_for_drain_ = true;
  drain_order_.add(channel.local());
}

void Connection::on_drained() {
  if (paused_ && usable()) {
    paused_ = false;
    transport_->resume();
  }
  const auto is_interactive = [this](LocalChannel local) {
    const Channel* channel = channels_.find(local);
    return channel != nullptr && channel->held() <= kInteractive;
  };
  const auto has_room = [this] { return !congested(); };
  const auto send_next = [this](LocalChannel local) {
    Channel* channel = channels_.find(local);
    if (channel == nullptr) return false;
    if (channel->send_held() && channel->has_held()) return true;
    channel->waiting_for_drain_ = false;
    channel->on_uncongested();
    return false;
  };
  drain_order_.drain(is_interactive, has_room, send_next);
}

void Connection::on_closed(const Error& why) {
  if (usable()) end_ = End::peers;
  liveness_.stop();
  endings_look_.reset();
  channels_.give_all_away([this](std::unique_ptr<Channel> lost) {
    lost->on_lost(loss_told());
    graveyard_.bury(std::move(lost));
  });
  asked_.on_lost();
  on_connection_closed(why);
}

void Connection::disconnect(DisconnectReason reason, std::string_view text) {
  if (!usable()) return;
  end_ = End::ours;
  liveness_.stop();
  transport_->disconnect(reason, clean_line(text));
}

void Connection::violation(std::string_view what) {
  if (!usable()) return;
  on_violation(what);
  disconnect(DisconnectReason::protocol_error, what);
}

void Connection::ignore(std::string_view what) {
  const auto is_power_of_ten = [](std::uint64_t count) {
    while (count % 10 == 0) count /= 10;
    return count == 1;
  };
  if (is_power_of_ten(++ignored_)) on_ignored(what, ignored_);
}

void Connection::note_ending() {
  if (endings_look_ == nullptr && usable()) endings_look_ = clock_.after(kEndPatience, [this] { look_at_endings(); });
}

void Connection::look_at_endings() {
  endings_look_.reset();
  const std::size_t used = channels_in_use();
  const auto next = channels_.look_at_endings(clock_.now(), kEndPatience);
  if (next) endings_look_ = clock_.after(*next - clock_.now(), [this] { look_at_endings(); });
  if (channels_in_use() < used) on_overdue();
}

std::size_t Connection::sessions() const {
  return channels_.count_sessions([](ChannelState) { return true; });
}

std::size_t Connection::confirmed_sessions() const {
  return channels_.count_sessions([](ChannelState state) { return is_answered(state) && state != ChannelState::close_sent; });
}

std::size_t Connection::confirmed_or_closing_sessions() const { return channels_.count_sessions(is_answered); }

Channel& Connection::accept(const wire::ChannelOpen& open) {
  return channels_.add(std::make_unique<Channel>(*this, channels_.next_number(clock_.now()), open.type,
                                                 PeerEnd{open.sender, open.initial_window, open.maximum_packet}));
}

Channel& Connection::open(const OpenRequest& request, OpenEvents& outcome) {
  const LocalChannel local = channels_.next_number(clock_.now());
  send(wire::build_channel_open(request.type, local, request.granted, Channel::kMaximumPacket, request.rest));
  return channels_.add(std::make_unique<Channel>(*this, local, request, outcome));
}

void Connection::note_activity(Channel& channel, std::size_t size) { activity_.count(channel.active_in_, size, clock_.now()); }

std::chrono::microseconds Connection::round_trip() const {
  const std::chrono::microseconds known = transport_->round_trip();
  return known.count() != 0 ? known : known_.quickest_answer.value_or(Duration::zero());
}

std::uint32_t Connection::credit() const {
  constexpr std::uint32_t kLeast = Channel::kMaximumPacket / 2;
  const auto share = static_cast<std::uint32_t>(credit_.in_all / std::max<std::size_t>(open_channels(), 1));
  if (share < Channel::kMaximumPacket || account_->is_pressed()) return kLeast;
  // Of whole messages: an odd rest makes its peer send a small one each time that it gets there.
  return std::max(std::min(credit_.each, share - share % Channel::kMaximumPacket), kLeast);
}

void Connection::ask_for_life() {
  // Some clients leave global requests unanswered, which are few. A server is asked as OpenSSH's client asks it.
  if (peer() == wire::Speaker::client && channels_.find_if([](Channel& channel) { return channel.ask_for_life(); })) return;
  if (asked_.full()) return;  // it answers none, and is alive all the same
  asked_.expect();
  liveness_.note_question();
  send(wire::build_global_request(wire::kKeepalive, true));
}

bool Connection::answers_no_question() const {
  // OpenSSH's client asks nothing unless told to, and so has old devices for servers that answer nothing.
  return peer() == wire::Speaker::target && !asked_.has_been_answered() && liveness_.heard_since_a_question();
}

void Connection::on_silence() { disconnect(DisconnectReason::connection_lost, "no answer to keepalives"); }

void Connection::probe(std::function<void(Duration)> answered) {
  if (!usable() || spares_questions()) return;
  std::erase_if(probes_, [](const auto& probe) { return probe->answered == nullptr; });
  probes_.push_back(std::make_unique<Probe>(clock_, std::move(answered)));
  ask(wire::kKeepalive, {}, *probes_.back());
}

}  // namespace sallyport::mux

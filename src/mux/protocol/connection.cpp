#include "mux/protocol/connection.hpp"

#include <algorithm>
#include <cassert>
#include <functional>
#include <utility>

#include "mux/protocol/shown_text.hpp"
#include "wire/encoding.hpp"

namespace sallyport::mux {
namespace {

using wire::MessageType;

/// How long a channel counts as active after it moved data: this, to twice this.
constexpr Duration kActivityPeriod = std::chrono::seconds(1);
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
              if (Channel* channel = find(local)) channel->look_for_room();
            }),
      keepalive_(keepalive),
      credit_(credit),
      account_(std::move(account)),
      channels_charge_(account_),
      last_heard_(clock.now()),
      asked_(clock),
      period_began_(clock.now()) {
  transport_->charge_to(account_);
  transport_->attach(this);
  arm_keepalive();
}

Connection::~Connection() = default;

void Connection::note_life() {
  last_heard_ = clock_.now();
  ++heard_;
  unanswered_keepalives_ = 0;
}

void Connection::on_other_message(std::uint8_t type) {
  if (disconnecting_) return;
  note_life();
  // A peer answers in order, and all that we send but a global request is known to everybody.
  if (type == kMsgUnimplemented) static_cast<void>(asked_.on_answer(false, {}));
}

void Connection::on_message(ByteView payload) {
  if (disconnecting_ || payload.empty()) return;
  note_life();
  bytes_received_ += payload.size();
  dispatch(static_cast<MessageType>(payload[0]), payload);
  look_at_held();
  if (disconnecting_ || transport_->backlog() <= kPauseBacklog) return;
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
  const std::size_t index = number(recipient_of(*message));
  Channel* channel = find(recipient_of(*message));
  if (channel != nullptr) return after_event(*channel, handle(*channel, *message));
  if (is_resting(index)) return;  // it has crossed our CLOSE
  if (index >= channels_.size() && unknown == Unknown::violation) return violation("a message for a channel that isn't open");
  ignore("a message for a channel that isn't open");
}

void Connection::after_event(Channel& channel, Channel::Violation what) {
  if (what) return violation(*what);
  if (channel.state() == ChannelState::closed) remove(channel);
}

void Connection::remove(Channel& channel) {
  const LocalChannel local = channel.local();
  if (channel.overdue_) --overdue_channels_;
  graveyard_.bury(std::move(channels_[number(local)]));
  rests_until_[number(local)] = clock_.now() + kRest;
  resting_.push_back(number(local));
  --open_channels_;
  channels_charge_.subtract(Channel::kCost);
  on_channel_gone(local);
}

void Connection::handle_channel_open(ByteView payload) {
  const auto open = wire::parse_channel_open(payload);
  if (!open) return violation("malformed CHANNEL_OPEN");
  const wire::Reading reading(wire::Form::channel_open, peer(), open->type, open->rest);
  if (reading.sound()) return on_channel_open(*open);
  refuse_open(
      open->sender,
      reading.known() ? wire::OpenFailureReason::administratively_prohibited : wire::OpenFailureReason::unknown_channel_type,
      reading.why());
  on_unsound(wire::Form::channel_open, open->type, reading.why(), nullptr);
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
  if (reading.sound()) return on_global_request(*request, ticket);
  answer_global(ticket, false);
  on_unsound(wire::Form::global_request, request->name, reading.why(), nullptr);
}

void Connection::answer_global(GlobalReplies::Ticket ticket, bool success, ByteView rest) {
  owed_global_replies_.answer(ticket, success ? wire::build_request_success(rest) : wire::build_request_failure(),
                              [this](ByteView message) { send(message); });
}

void Connection::ask(std::string_view name, ByteView rest, GlobalAnswerEvents& asker) {
  if (asked_.full()) disconnect(DisconnectReason::connection_lost, "no answers to global requests");
  send(wire::build_global_request(name, true, rest));
  asked_.expect(asker);
  note_question();
}

void Connection::tell(std::string_view name, ByteView rest) { send(wire::build_global_request(name, false, rest)); }

void Connection::refuse_open(RecipientChannel sender, wire::OpenFailureReason reason, std::string_view description) {
  send(wire::build_channel_open_failure(sender, reason, clean_line(description)));
}

void Connection::call_when_drained(Channel& channel) {
  if (channel.waiting_for_drain_) return;
  channel.waiting_for_drain_ = true;
  drain_queue_.push_back(channel.local());
}

void Connection::on_drained() {
  if (paused_ && !disconnecting_) {
    paused_ = false;
    transport_->resume();
  }
  // Short messages first; then one message of each bulk channel in turn, until the transport has enough again.
  std::vector<LocalChannel> queue;
  queue.swap(drain_queue_);
  const auto is_interactive = [this](LocalChannel local) {
    const Channel* channel = find(local);
    return channel != nullptr && channel->held_data_ + channel->held_control_ <= kInteractive;
  };
  std::stable_partition(queue.begin(), queue.end(), is_interactive);
  std::size_t next = 0;
  for (; next < queue.size() && !congested(); ++next) {
    Channel* channel = find(queue[next]);
    if (channel == nullptr) continue;
    const bool more = channel->send_held();
    if (more && channel->has_held()) {
      queue.push_back(queue[next]);
      continue;
    }
    channel->waiting_for_drain_ = false;
    channel->on_uncongested();
  }
  // Whoever came while this went on waits behind those who have waited before.
  queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(next));
  queue.insert(queue.end(), drain_queue_.begin(), drain_queue_.end());
  drain_queue_ = std::move(queue);
}

void Connection::on_closed(const Error& why) {
  left_by_peer_ = !std::exchange(disconnecting_, true);
  keepalive_timer_.reset();
  endings_look_.reset();
  for (auto& channel : channels_) {
    if (channel == nullptr) continue;
    std::unique_ptr<Channel> lost = std::move(channel);
    lost->on_lost(loss_told());
    graveyard_.bury(std::move(lost));
  }
  open_channels_ = overdue_channels_ = 0;
  channels_charge_.set(0);
  asked_.on_lost();
  on_connection_closed(why);
}

void Connection::disconnect(DisconnectReason reason, std::string_view text) {
  if (disconnecting_) return;
  disconnecting_ = true;
  keepalive_timer_.reset();
  transport_->disconnect(reason, clean_line(text));
}

void Connection::violation(std::string_view what) {
  if (disconnecting_) return;
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
  if (endings_look_ == nullptr && !disconnecting_) endings_look_ = clock_.after(kEndPatience, [this] { look_at_endings(); });
}

void Connection::look_at_endings() {
  endings_look_.reset();
  const std::size_t overdue_before = overdue_channels_;
  std::optional<TimePoint> next;
  for_each_channel([&](Channel& channel) {
    if (!is_owed_an_end(channel.state()) || channel.overdue_) return;
    const TimePoint due = channel.ending_since_ + kEndPatience;
    channel.overdue_ = due <= clock_.now();
    if (channel.overdue_) {
      ++overdue_channels_;
    } else {
      next = std::min(next.value_or(due), due);
    }
  });
  if (next) endings_look_ = clock_.after(*next - clock_.now(), [this] { look_at_endings(); });
  if (overdue_channels_ > overdue_before) on_overdue();
}

std::size_t Connection::sessions() const {
  return count_sessions([](ChannelState) { return true; });
}

std::size_t Connection::confirmed_sessions() const {
  return count_sessions([](ChannelState state) { return is_answered(state) && state != ChannelState::close_sent; });
}

std::size_t Connection::confirmed_or_closing_sessions() const { return count_sessions(is_answered); }

template <typename Counts>
std::size_t Connection::count_sessions(Counts counts) const {
  return static_cast<std::size_t>(std::count_if(channels_.begin(), channels_.end(), [counts](const auto& channel) {
    return channel != nullptr && channel->is_session() && counts(channel->state());
  }));
}

LocalChannel Connection::next_number() {
  while (next_rested_ < resting_.size() &&
         (!is_resting(resting_[next_rested_]) || resting_.size() - next_rested_ > kMostResting)) {
    rests_until_[resting_[next_rested_]] = TimePoint::min();
    free_.push_back(resting_[next_rested_++]);
    std::push_heap(free_.begin(), free_.end(), std::greater<>());
  }
  if (next_rested_ > resting_.size() / 2) {
    resting_.erase(resting_.begin(), resting_.begin() + static_cast<std::ptrdiff_t>(next_rested_));
    next_rested_ = 0;
  }
  if (free_.empty()) return LocalChannel{static_cast<std::uint32_t>(channels_.size())};
  std::pop_heap(free_.begin(), free_.end(), std::greater<>());
  const LocalChannel lowest{free_.back()};
  free_.pop_back();
  return lowest;
}

bool Connection::is_resting(std::size_t index) const { return index < rests_until_.size() && clock_.now() < rests_until_[index]; }

Channel& Connection::accept(const wire::ChannelOpen& open) {
  return add(
      std::make_unique<Channel>(*this, next_number(), open.type, PeerEnd{open.sender, open.initial_window, open.maximum_packet}));
}

Channel& Connection::open(const OpenRequest& request, OpenEvents& outcome) {
  const LocalChannel local = next_number();
  send(wire::build_channel_open(request.type, local, request.granted, Channel::kMaximumPacket, request.rest));
  return add(std::make_unique<Channel>(*this, local, request, outcome));
}

Channel& Connection::add(std::unique_ptr<Channel> channel) {
  const std::size_t index = number(channel->local());
  if (index >= channels_.size()) {
    channels_.resize(index + 1);
    rests_until_.resize(index + 1, TimePoint::min());
  }
  assert(channels_[index] == nullptr);
  channels_[index] = std::move(channel);
  ++open_channels_;
  channels_charge_.add(Channel::kCost);
  return *channels_[index];
}

Channel* Connection::find(LocalChannel local) {
  const std::size_t index = number(local);
  return index < channels_.size() ? channels_[index].get() : nullptr;
}

void Connection::note_activity(Channel& channel, std::size_t size) {
  const TimePoint now = clock_.now();
  rate_.count(size, now);
  if (now - period_began_ >= kActivityPeriod) {
    active_before_ = now - period_began_ < 2 * kActivityPeriod ? active_now_ : 0;
    active_now_ = 0;
    period_began_ = now;
    if (++activity_period_ == 0) activity_period_ = 1;  // 0 is "never"
  }
  if (channel.active_in_ == activity_period_) return;
  channel.active_in_ = activity_period_;
  ++active_now_;
}

std::chrono::microseconds Connection::round_trip() const {
  const std::chrono::microseconds known = transport_->round_trip();
  return known.count() != 0 ? known : quickest_answer_.value_or(Duration::zero());
}

std::uint32_t Connection::credit() const {
  constexpr std::uint32_t kLeast = Channel::kMaximumPacket / 2;
  const auto share = static_cast<std::uint32_t>(credit_.in_all / std::max<std::size_t>(open_channels_, 1));
  if (share < Channel::kMaximumPacket || account_->is_pressed()) return kLeast;
  // Of whole messages: an odd rest makes its peer send a small one each time that it gets there.
  return std::max(std::min(credit_.each, share - share % Channel::kMaximumPacket), kLeast);
}

void Connection::arm_keepalive() {
  if (keepalive_.interval == Duration::zero()) return;
  keepalive_timer_ = clock_.after(keepalive_.interval, [this] { keepalive_due(); });
}

void Connection::keepalive_due() {
  if (clock_.now() - last_heard_ < keepalive_.interval) return arm_keepalive();
  if (unanswered_keepalives_ >= keepalive_.count) {
    // OpenSSH's client asks nothing unless told to, and so has old devices for servers that answer nothing.
    if (peer() == wire::Speaker::target && answers_no_question()) return spare_questions();
    return disconnect(DisconnectReason::connection_lost, "no answer to keepalives");
  }
  if (unanswered_keepalives_++ == 0) unanswered_since_ = clock_.now();
  ask_for_life();
  arm_keepalive();
}

void Connection::ask_for_life() {
  // Some clients leave global requests unanswered, which are few. A server is asked as OpenSSH's client asks it.
  if (peer() == wire::Speaker::client) {
    for (const auto& channel : channels_)
      if (channel != nullptr && channel->ask_for_life()) return;
  }
  if (asked_.full()) return;  // it answers none, and is alive all the same
  asked_.expect();
  note_question();
  send(wire::build_global_request(wire::kKeepalive, true));
}

void Connection::spare_questions() {
  spares_questions_ = true;
  keepalive_timer_.reset();
  unanswered_keepalives_ = 0;
}

void Connection::probe(std::function<void(Duration)> answered) {
  if (disconnecting_ || spares_questions_) return;
  std::erase_if(probes_, [](const auto& probe) { return probe->answered == nullptr; });
  probes_.push_back(std::make_unique<Probe>(clock_, std::move(answered)));
  ask(wire::kKeepalive, {}, *probes_.back());
}

}  // namespace sallyport::mux

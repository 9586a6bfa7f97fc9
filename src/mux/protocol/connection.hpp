// The connection protocol on one SSH transport: what a client's connection (Link) and a trunk (Trunk) have in common.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/account.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/told.hpp>
#include <sallyport/transport.hpp>

#include "mux/flow/activity.hpp"
#include "mux/flow/adjust_habit.hpp"
#include "mux/flow/flow_credit.hpp"
#include "mux/flow/line_watch.hpp"
#include "mux/protocol/channel.hpp"
#include "mux/protocol/channel_table.hpp"
#include "mux/protocol/drain_order.hpp"
#include "mux/protocol/global_replies.hpp"
#include "mux/protocol/global_requests.hpp"
#include "mux/protocol/graveyard.hpp"
#include "mux/protocol/liveness.hpp"
#include "wire/channel_opens.hpp"
#include "wire/forwards.hpp"
#include "wire/messages.hpp"
#include "wire/vocabulary.hpp"

namespace sallyport::mux {

class Connection : public TransportEvents, private Liveness::Host {
 public:
  /// The most that a channel may be granted, and all channels of the connection together; none gets less than half a
  /// packet, though. What it is granted in fact is FlowCredit's business.
  struct Credit {
    std::uint32_t each = 4 * 1024 * 1024;
    std::uint32_t in_all = 8 * 1024 * 1024;
  };
  /// A peer that doesn't read what must be sent to it at once is no longer read above this backlog.
  static constexpr std::size_t kPauseBacklog = 256 * 1024;
  /// A channel that nobody here wants any more, and whose end the peer still owes after this, keeps its number and counts as one
  /// of the peer's sessions, but no longer as use of the connection.
  static constexpr Duration kEndPatience = std::chrono::seconds(10);
  /// The longest fields of a CHANNEL_OPEN or a global request that are kept: names, addresses and paths.
  static constexpr std::size_t kMaximumFields = 8 * 1024;

  Connection(std::unique_ptr<Transport> transport, Clock& clock, Graveyard& graveyard, KeepaliveSettings keepalive, Credit credit,
             std::shared_ptr<Account> account);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // TransportEvents
  void on_message(ByteView payload) final;
  void on_other_message(std::uint8_t type) final;
  void on_drained() final;
  void on_closed(const Error& why) final;

  /// Sends a keepalive now, whatever the interval is; `answered` gets the time that its answer took. It isn't called when
  /// there is none, or none any more.
  void probe(std::function<void(Duration)> answered);
  /// No keepalive is sent from now on, nor any other question of our own: the peer ends its connection over one.
  void spare_questions() { liveness_.spare_questions(); }
  bool spares_questions() const { return liveness_.spares_questions(); }

  /// Says goodbye to the peer; on_connection_closed() follows. Channels are told then.
  void disconnect(DisconnectReason reason, std::string_view text);

  // For Channel.
  /// Which part of wire/vocabulary.hpp the peer may use.
  virtual wire::Speaker peer() const = 0;
  /// An open, a global request or, on `channel`, a channel request is not sound and has been refused, or the channel ends since
  /// its peer has gone beyond a bound; for the log, which says how many of them it takes.
  virtual void on_unsound(wire::Form form, std::string_view name, std::string_view why, const Channel* channel) = 0;
  /// A channel was in the state `from`, and is in another one; for the log.
  virtual void on_channel_changed(const Channel& channel, ChannelState from) = 0;
  void send(ByteView head, ByteView tail = {}) {
    bytes_sent_ += head.size() + tail.size();
    transport_->send(head, tail);
  }
  bool congested() const { return transport_->backlog() > Transport::kHighMark; }
  /// A channel's message must wait: the transport has enough, or others wait already. Without the second, a channel
  /// that keeps the backlog between the two marks would starve those that were held at the high one.
  bool holds_back() const { return congested() || !drain_order_.empty(); }
  /// Has the channel's held messages sent, and its user told, when the connection has drained.
  void call_when_drained(Channel& channel);
  /// Counts the channel as active now: it has moved `size` bytes.
  void note_activity(Channel& channel, std::size_t size);
  /// The channel is closed: frees its number. It is buried, not destroyed.
  void remove(Channel& channel);
  std::uint32_t credit() const;
  TimePoint now() const { return clock_.now(); }
  /// For what is held for this connection, here and in its transport.
  const std::shared_ptr<Account>& account() const { return account_; }
  /// Something may have been charged to it: a connection that is over its bound ends. When it is the user's, those go that hold
  /// something.
  void look_at_held() {
    if (account_->held() > Transport::kHighMark && account_->is_over())
      violation("too much would have to be held for this connection");
  }
  /// What the transport knows, or else the time that the quickest answer to an open of ours took: over a trunk that is carried
  /// by another one the kernel can't tell.
  std::chrono::microseconds round_trip() const;
  /// An open of ours has been answered.
  void note_answer(Duration after) { known_.quickest_answer = std::min(known_.quickest_answer.value_or(after), after); }
  /// More than one channel has been active in the last second or two.
  bool in_company() const { return activity_.in_company(); }
  /// Bytes that have been sent, in all, and those of them that have reached the peer's host; see Transport.
  std::uint64_t sent() const { return transport_->sent(); }
  std::uint64_t acknowledged() { return known_.acknowledged = transport_->acknowledged(); }
  /// What that has said last; nobody is asked.
  std::uint64_t known_acknowledged() const { return known_.acknowledged; }
  /// So much on the way to the peer has at least one acknowledgement to come at once: a host whose program writes as well, such
  /// as for somebody who types, takes 40 ms for a single segment. Nothing to speak of but on the loopback, where one is 64 KiB.
  std::uint32_t acknowledged_late() { return transport_->segment() / 2 * 5; }
  /// Has the channel look for room, soon. One that waits already must not.
  void look_later(Channel& channel) { line_.wait(channel.local()); }
  /// How the peer gives back its windows: what the last channel to find out has found, and the next one begins with.
  const AdjustHabit& habit() const { return known_.habit; }
  void learn(const AdjustHabit& habit) { known_.habit = habit; }
  /// See ChannelEnd.
  std::uint32_t floor_in_company() const { return FlowCredit::floor_of(activity_.bytes_per_millisecond()); }
  /// `what` is a fixed phrase: the peer broke the rules; the connection ends.
  void violation(std::string_view what);
  /// `what` is a fixed phrase: the peer said something that has no place and harms nobody, as OpenSSH sees it.
  void ignore(std::string_view what);
  /// A channel of ours waits for the peer's CLOSE, or for the answer to an open that nobody wants any more.
  void note_ending();

  Bytes session_id() const { return transport_->session_id(); }
  std::size_t open_channels() const { return channels_.size(); }
  /// Without those whose end the peer has owed for kEndPatience.
  std::size_t channels_in_use() const { return channels_.in_use(); }
  std::uint64_t bytes_received() const { return bytes_received_; }
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  /// How many messages have come. That one has come since is told by this, and not by a clock of milliseconds.
  std::uint64_t heard() const { return liveness_.heard(); }
  /// How long the peer has owed the answer to a keepalive without a sign of life; 0 while it owes none.
  Duration unanswered_for() const { return liveness_.unanswered_for(); }
  /// Not lost, and not saying goodbye.
  bool usable() const { return end_ == End::none; }
  /// It is over, and it was the peer's doing.
  bool left_by_peer() const { return end_ == End::peers; }
  /// Sessions that we opened: all of them, or those whose open has been answered, without and with those that only wait
  /// for the peer's CLOSE.
  std::size_t sessions() const;
  std::size_t confirmed_sessions() const;
  std::size_t confirmed_or_closing_sessions() const;

 protected:
  /// Takes note of a channel that the peer asks for; it waits for its answer.
  Channel& accept(const wire::ChannelOpen& open);
  /// Sends CHANNEL_OPEN with the window `granted`. Its answer goes to `outcome`.
  Channel& open(const OpenRequest& request, OpenEvents& outcome);

  /// One that is sound (see wire/vocabulary.hpp).
  virtual void on_channel_open(const wire::ChannelOpen& open, const wire::OpenFields& fields) = 0;
  /// One that is sound, and no keepalive, which is answered already. One that wants a reply gets it by answer_global(),
  /// now or later.
  virtual void on_global_request(const wire::GlobalRequest& request, const wire::GlobalFields& fields,
                                 GlobalReplies::Ticket ticket) = 0;
  /// Both CLOSEs have gone, or the open was refused: the number is free.
  virtual void on_channel_gone(LocalChannel local) = 0;
  /// The peer broke the protocol, and is being disconnected; for the log.
  virtual void on_violation(std::string_view what) = 0;
  /// The peer's `count`th message that has no place; for the log. Called for the 1st, the 10th, the 100th and so on.
  virtual void on_ignored(std::string_view what, std::uint64_t count) = 0;
  /// channels_in_use() has become less, by waiting.
  virtual void on_overdue() {}
  /// What users of the channels are told when the connection is lost.
  virtual Told loss_told() const = 0;
  /// The transport is gone, and every channel has been told.
  virtual void on_connection_closed(const Error& why) = 0;

  void refuse_open(RecipientChannel sender, wire::OpenFailureReason reason, std::string_view description);
  /// Answers behind the requests before it; `rest` are the fields of a success. The ticket `none` is no harm.
  void answer_global(GlobalReplies::Ticket ticket, bool success, ByteView rest = {});
  /// Sends a global request, whose answer goes to `asker`.
  void ask(std::string_view name, ByteView rest, GlobalAnswerEvents& asker);
  /// Sends one that wants no answer.
  void tell(std::string_view name, ByteView rest);
  /// Reports nothing more to `asker`, which may be one that never asked.
  void forget(GlobalAnswerEvents& asker) { asked_.forget(asker); }

  Clock& clock_;
  Graveyard& graveyard_;

 private:
  /// A keepalive whose round trip somebody wants to know.
  struct Probe final : GlobalAnswerEvents {
    Probe(const Clock& its_clock, std::function<void(Duration)> then)
        : clock(its_clock), sent(its_clock.now()), answered(std::move(then)) {}
    void on_global_answer(bool, ByteView) override {
      if (const auto then = std::exchange(answered, nullptr)) then(clock.now() - sent);
    }
    void on_global_timeout() override {}
    void on_global_lost() override { answered = nullptr; }
    const Clock& clock;
    TimePoint sent;
    std::function<void(Duration)> answered;
  };
  /// What is known of the line to the peer, and of the peer's habits there.
  struct Known {
    AdjustHabit habit;
    std::uint64_t acknowledged = 0;           ///< what the transport has said last
    std::optional<Duration> quickest_answer;  ///< to an open of ours
  };
  /// Whose doing it is that the connection ends.
  enum class End : std::uint8_t { none, ours, peers };
  /// What a message means whose number no channel has, and none has had. A number that is free again swallows all that is late.
  enum class Unknown : std::uint8_t { violation, ignored };

  void dispatch(wire::MessageType type, ByteView payload);
  template <typename Message, typename Handle>
  void to_channel(const std::optional<Message>& message, Handle handle, Unknown unknown = Unknown::violation);
  void after_event(Channel& channel, Channel::Violation violation);
  void handle_channel_open(ByteView payload);
  void handle_global_request(ByteView payload);
  void handle_channel_request(ByteView payload);
  void look_at_endings();

  // Liveness::Host
  void ask_for_life() override;
  bool answers_no_question() const override;
  void on_silence() override;

  std::unique_ptr<Transport> transport_;
  LineWatch line_;
  Known known_;
  Credit credit_;
  const std::shared_ptr<Account> account_;
  ChannelTable channels_;
  std::unique_ptr<Timer> endings_look_;
  std::uint64_t ignored_ = 0;
  DrainOrder drain_order_;
  Liveness liveness_;
  GlobalRequests asked_;
  GlobalReplies owed_global_replies_;
  std::vector<std::unique_ptr<Probe>> probes_;  // asked_ knows them; those that are over go with the next one
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_sent_ = 0;
  Activity activity_;
  End end_ = End::none;
  bool paused_ = false;
};

}  // namespace sallyport::mux

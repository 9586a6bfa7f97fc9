// A connection between two SSH programs in simulated time: a rate, a delay, and what the two kernels do.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/transport.hpp>

namespace sallyport::fakes {

/// Time goes by in turns, of which a simulation says how long they are.
struct LineKind {
  std::uint64_t rate = 0;   ///< bytes a turn, in each direction
  std::uint32_t delay = 0;  ///< turns, one way
  /// For so many bytes a packet is lost; 0: none. What comes behind it waits with the receiver's kernel until it has been sent
  /// again, which takes so many turns.
  std::uint64_t loses_one_in = 0;
  std::uint32_t sent_again_after = 0;
  /// The largest segment: every second one is acknowledged at once, less only after so many turns, as late as a kernel may do it
  /// (RFC 1122, 4.2.3.2); 0: all of it at once.
  std::uint32_t segment = 0;
  std::uint32_t acknowledged_after = 0;
};

/// One direction of it, as whole messages. Nothing is lost for good, nor cut.
class SimulatedWay {
 public:
  /// What the kernel holds unsent, which is TCP_NOTSENT_LOWAT's business, or what a turn carries if that is more.
  static constexpr std::uint64_t kUnsent = 64 * 1024;
  /// What it holds unread, or on its way.
  static constexpr std::uint64_t kUnread = 4 * 1024 * 1024;
  /// What a message costs beside its payload: length, padding, a tag.
  static constexpr std::uint64_t kFraming = 32;

  explicit SimulatedWay(LineKind kind) : kind_(kind) {}

  LineKind kind() const { return kind_; }

  // The sender's.
  void give(ByteView head, ByteView tail = {}) {
    Bytes message;
    if (!spare_.empty()) {
      message = std::move(spare_.back());
      spare_.pop_back();
    }
    message.assign(head.begin(), head.end());
    message.insert(message.end(), tail.begin(), tail.end());
    given_ += message.size() + kFraming;
    messages_.push_back({given_, std::move(message)});
    take();
  }
  std::uint64_t given() const { return given_; }
  std::uint64_t acknowledged() const { return acknowledged_; }
  std::uint64_t backlog() const { return given_ - taken_; }
  std::uint64_t unsent() const { return given_ - passed_; }
  /// Whether a program's write to the socket returns at once.
  bool is_writable() const { return !exchanges_keys_ && unsent() < 2 * std::max(kUnsent, 2 * kind_.rate); }

  /// While that is so the sender gives the kernel nothing, and queues what it has to say.
  void exchange_keys(bool exchanges) { exchanges_keys_ = exchanges; }

  /// One turn.
  void advance() {
    ++turn_;
    const std::uint64_t most = std::min(taken_, read_ + std::max(kUnread, 3 * kind_.rate * kind_.delay));
    if (most > passed_) {
      const std::uint64_t before = passed_;
      passed_ += std::min(kind_.rate, most - passed_);
      flight_.push_back({turn_ + kind_.delay, passed_});
      const bool is_lost = kind_.loses_one_in > 0 && before / kind_.loses_one_in != passed_ / kind_.loses_one_in;
      if (is_lost) stands_until_ = turn_ + kind_.delay + kind_.sent_again_after;
    }
    for (; turn_ >= stands_until_ && !flight_.empty() && flight_.front().turn <= turn_; flight_.pop_front()) {
      arrived_ = flight_.front().bytes;
      if (ack_due_ == 0) ack_due_ = turn_ + kind_.acknowledged_after;
    }
    if (ack_due_ != 0 && (turn_ >= ack_due_ || arrived_ - answered_ >= 2 * std::uint64_t{kind_.segment})) {
      answered_ = arrived_;
      ack_due_ = 0;
      acks_.push_back({turn_ + kind_.delay, answered_});
    }
    for (; !acks_.empty() && acks_.front().turn <= turn_; acks_.pop_front()) acknowledged_ = acks_.front().bytes;
    take();
  }

  // The receiver's.
  /// The next message that has arrived; null when there is none.
  const Bytes* front() const {
    return messages_.empty() || messages_.front().end > arrived_ ? nullptr : &messages_.front().payload;
  }
  /// Takes it out.
  Bytes read() {
    Bytes message = std::move(messages_.front().payload);
    read_ = messages_.front().end;
    messages_.pop_front();
    return message;
  }
  /// The memory of what has been read.
  void give_back(Bytes message) {
    if (spare_.size() < 64) spare_.push_back(std::move(message));
  }

 private:
  struct Message {
    std::uint64_t end;
    Bytes payload;
  };
  struct Mark {
    std::uint64_t turn;
    std::uint64_t bytes;
  };
  void take() {
    if (!exchanges_keys_) taken_ = std::max(taken_, std::min(given_, passed_ + std::max(kUnsent, 2 * kind_.rate)));
  }

  const LineKind kind_;
  std::uint64_t turn_ = 0;
  std::uint64_t stands_until_ = 0;  // a turn: nothing arrives before
  std::uint64_t ack_due_ = 0;       // a turn: what has arrived is acknowledged then; 0: nothing is
  bool exchanges_keys_ = false;
  std::deque<Message> messages_;
  std::vector<Bytes> spare_;
  std::deque<Mark> flight_;
  std::deque<Mark> acks_;
  // Bytes since the beginning: given >= taken by the kernel >= passed onto the line >= arrived >= read, acknowledged.
  std::uint64_t given_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t passed_ = 0;
  std::uint64_t arrived_ = 0;
  std::uint64_t answered_ = 0;  // by an acknowledgement that is on its way
  std::uint64_t acknowledged_ = 0;
  std::uint64_t read_ = 0;
};

/// Both directions.
struct SimulatedLine {
  explicit SimulatedLine(LineKind kind) : there(kind), back(kind) {}
  void advance() {
    there.advance();
    back.advance();
  }
  LineKind kind() const { return there.kind(); }
  SimulatedWay there;
  SimulatedWay back;
};

/// A daemon's end of a line, which outlives it.
class SimulatedEnd {
 public:
  SimulatedEnd(SimulatedWay& out, SimulatedWay& in, std::chrono::microseconds round_trip)
      : out_(out), in_(in), round_trip_(round_trip) {}

  std::unique_ptr<Transport> transport() { return std::make_unique<End>(*this); }
  /// One turn of the daemon's: what has arrived, within a turn's budget.
  void turn() {
    std::uint64_t read = 0;
    while (events_ != nullptr && !paused_ && read < kBudget && in_.front() != nullptr) {
      Bytes message = in_.read();
      read += message.size();
      events_->on_message(message);
      in_.give_back(std::move(message));
    }
    if (out_.backlog() > Transport::kHighMark) congested_ = true;
    if (!congested_ || out_.backlog() > Transport::kLowMark || events_ == nullptr) return;
    congested_ = false;
    events_->on_drained();
  }
  /// The largest backlog that there has been.
  std::uint64_t largest_backlog() const { return largest_backlog_; }

 private:
  static constexpr std::uint64_t kBudget = 256 * 1024;

  class End final : public Transport {
   public:
    explicit End(SimulatedEnd& owner) : owner_(owner) {}
    ~End() override { owner_.events_ = nullptr; }
    void attach(TransportEvents* user) override { owner_.events_ = user; }
    void send(ByteView head, ByteView tail) override {
      owner_.out_.give(head, tail);
      owner_.largest_backlog_ = std::max(owner_.largest_backlog_, owner_.out_.backlog());
      if (owner_.out_.backlog() > kHighMark) owner_.congested_ = true;
    }
    std::size_t backlog() const override { return owner_.out_.backlog(); }
    std::uint64_t sent() const override { return owner_.out_.given(); }
    std::uint64_t acknowledged() override { return owner_.out_.acknowledged(); }
    std::chrono::microseconds round_trip() override { return owner_.round_trip_; }
    std::uint32_t segment() override { return owner_.out_.kind().segment; }
    void pause() override { owner_.paused_ = true; }
    void resume() override { owner_.paused_ = false; }
    void disconnect(DisconnectReason, std::string_view text) override { owner_.disconnected_ = text; }

   private:
    SimulatedEnd& owner_;
  };

 public:
  /// What the daemon said when it disconnected.
  const std::string& disconnected() const { return disconnected_; }

 private:
  SimulatedWay& out_;
  SimulatedWay& in_;
  const std::chrono::microseconds round_trip_;
  TransportEvents* events_ = nullptr;
  bool paused_ = false;
  bool congested_ = false;
  std::uint64_t largest_backlog_ = 0;
  std::string disconnected_;
};

}  // namespace sallyport::fakes

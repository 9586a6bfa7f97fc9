// Whether the peer of one connection lives, as far as it can be told.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <sallyport/clock.hpp>

namespace sallyport::mux {

/// Liveness of one connection; see `keepalive_interval` and `keepalive_count`. An interval of 0 turns it off.
struct KeepaliveSettings {
  Duration interval = std::chrono::seconds(15);
  std::uint32_t count = 3;
};

/// Asks a peer that has been silent for the interval, and gives it up when `count` questions in a row have brought no sign of
/// life. Any message is one.
class Liveness {
 public:
  /// The connection.
  class Host {
   public:
    virtual ~Host() = default;
    /// Sends the peer a question that it should answer.
    virtual void ask_for_life() = 0;
    /// The peer isn't one that answers questions, and so is spared them rather than given up.
    virtual bool answers_no_question() const = 0;
    /// The peer is given up; nothing is asked any more.
    virtual void on_silence() = 0;
  };

  Liveness(Clock& clock, KeepaliveSettings settings, Host& host);

  void note_message() {
    last_heard_ = clock_.now();
    ++heard_;
    unanswered_ = 0;
  }
  /// A question has been sent, a keepalive or another one.
  void note_question() {
    if (!heard_at_question_) heard_at_question_ = heard_;
  }
  /// Nothing is asked any more: the peer ends its connection over questions, or answers none.
  void spare_questions();
  bool spares_questions() const { return spares_questions_; }
  /// The connection ends.
  void stop() { timer_.reset(); }

  /// How many messages have come. That one has come since is told by this, and not by a clock of milliseconds.
  std::uint64_t heard() const { return heard_; }
  /// Something has come since the first question was sent.
  bool heard_since_a_question() const { return heard_at_question_ && heard_ > *heard_at_question_; }
  /// How long the peer has owed the answer to a keepalive without a sign of life; 0 while it owes none.
  Duration unanswered_for() const { return unanswered_ == 0 ? Duration::zero() : clock_.now() - unanswered_since_; }

 private:
  void arm();
  void look();

  Clock& clock_;
  const KeepaliveSettings settings_;
  Host& host_;
  std::unique_ptr<Timer> timer_;
  TimePoint last_heard_;
  std::uint64_t heard_ = 0;
  std::optional<std::uint64_t> heard_at_question_;  // the first one
  std::uint32_t unanswered_ = 0;
  TimePoint unanswered_since_;  // when the first of them was sent
  bool spares_questions_ = false;
};

}  // namespace sallyport::mux

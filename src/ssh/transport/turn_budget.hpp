// What one connection may have worked at in one turn of the loop.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sallyport::ssh {

/// A turn is as long as what all connections have in it, and a keystroke waits for one: what goes beyond this waits for
/// the next. The clock is read after some messages only; a stream of large ones is stopped by its bytes.
class TurnBudget {
 public:
  static constexpr std::size_t kBytes = 256 * 1024;
  static constexpr std::uint32_t kMessages = 256;
  static constexpr std::chrono::microseconds kTime{250};

  /// Call it before each message, in turn number `turn`, of which the connection may have `time`, at most kTime. False: not in
  /// this one any more.
  bool has_more(std::uint64_t turn, std::chrono::microseconds time = kTime) {
    if (turn != turn_) {
      turn_ = turn;
      time_ = time;
      bytes_ = 0;
      messages_ = 0;
      used_up_ = false;
    } else if (!used_up_) {
      used_up_ = bytes_ >= kBytes || messages_ >= kMessages || (messages_ != 0 && messages_ % kLook == 0 && is_late());
    }
    return !used_up_;
  }
  /// Whether it went for many small messages, which cost more to work at than to send.
  bool went_for_little() const { return used_up_ && (messages_ >= kMany || time_ < kTime) && bytes_ / kSmall < messages_; }
  void use(std::size_t bytes) {
    bytes_ += bytes;
    ++messages_;
  }

 private:
  /// Messages from one look at the clock to the next.
  static constexpr std::uint32_t kLook = 4;
  static constexpr std::size_t kSmall = 1024;
  static constexpr std::uint32_t kMany = 64;

  bool is_late() {
    const auto now = std::chrono::steady_clock::now();
    if (messages_ == kLook) began_ = now;
    return now - began_ > time_;
  }

  std::uint64_t turn_ = 0;
  std::chrono::microseconds time_ = kTime;
  std::size_t bytes_ = 0;
  std::uint32_t messages_ = 0;
  bool used_up_ = false;
  std::chrono::steady_clock::time_point began_;
};

/// The connections of a loop that go for little. All of them together have what one of them would have (but kLeastTime each), so
/// that a keystroke waits no longer because an attacker has more connections.
class Pourers {
 public:
  /// Enough for some messages: nobody stands still.
  static constexpr std::chrono::microseconds kLeastTime{10};

  /// One of them, as long as it lives.
  class Place {
   public:
    explicit Place(Pourers& all) : all_(all) { all_.share(all_.count_ + 1); }
    ~Place() { all_.share(all_.count_ - 1); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    Pourers& all_;
  };

  std::size_t count() const { return count_; }
  /// What one of them may have of a turn.
  std::chrono::microseconds time() const { return time_; }

 private:
  void share(std::size_t count) {
    count_ = count;
    time_ = std::max(TurnBudget::kTime / static_cast<int>(std::max<std::size_t>(count, 1)), kLeastTime);
  }

  std::size_t count_ = 0;
  std::chrono::microseconds time_ = TurnBudget::kTime;
};

}  // namespace sallyport::ssh

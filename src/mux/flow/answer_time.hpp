// How soon a sender goes on that is granted more.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include <sallyport/clock.hpp>

namespace sallyport::mux {

/// From a grant to the first byte that needed it: the whole way there and back, with the turns of all programs on it, which the
/// kernel's round trip leaves out. What stands on that way lengthens it, and isn't to count. So now and then little is granted
/// (is_probing()), until that has had its answer; and the quickest answer counts.
class AnswerTime {
 public:
  /// What is known is forgotten after one to two of these. A probe costs some answers' time.
  static constexpr Duration kPeriod{512};
  static constexpr std::chrono::microseconds kUnknown = std::chrono::hours(1);

  /// A grant to a sender that might send `left` bytes until then, and no more than `little` if is_probing().
  void granted(std::uint32_t left, std::uint32_t little, const Clock& clock) {
    if (needs_) return;
    needs_ = received_ + left;
    asked_ = clock.fine_now();
    had_little_ = left <= little;
  }
  /// So many bytes have come.
  void received(std::size_t bytes, const Clock& clock) {
    received_ += bytes;
    if (!needs_ || received_ <= *needs_) return;
    needs_.reset();
    least_ = std::min(least_, std::max(clock.fine_now() - asked_, std::chrono::microseconds(1)));
    if (had_little_) is_probing_ = false;
  }
  /// Begins another period when the one is over: with a probe if answers in less than `of_interest` would be.
  void look(TimePoint now, std::chrono::microseconds of_interest) {
    const std::chrono::microseconds known = value();
    if (now - began_ < kPeriod) return;
    least_before_ = now - began_ < 2 * kPeriod ? least_ : kUnknown;
    least_ = kUnknown;
    began_ = now;
    // What stands in front of an answer may be as much as is under way, but a much longer way is one.
    is_probing_ = known == kUnknown || known < 2 * of_interest;
    needs_.reset();
  }
  bool is_probing() const { return is_probing_; }
  /// kUnknown before the first answer.
  std::chrono::microseconds value() const { return std::min(least_, least_before_); }

 private:
  std::uint64_t received_ = 0;
  std::optional<std::uint64_t> needs_;  // received, before a byte is the answer to the grant …
  FineTimePoint asked_;                 // … of that time
  bool had_little_ = false;
  bool is_probing_ = false;
  TimePoint began_;
  std::chrono::microseconds least_ = kUnknown;
  std::chrono::microseconds least_before_ = kUnknown;
};

}  // namespace sallyport::mux

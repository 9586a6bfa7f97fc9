#include "mux/flow/flow_credit.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::mux {
namespace {

using std::chrono::microseconds;

/// What is added to the round trip for the programs at both ends, which don't run at once, and for the steps in which we grant.
/// Alone it buys throughput; in company it is felt, and less will do where answers come sooner.
constexpr microseconds kSlackAlone{4000};
constexpr microseconds kSlackInCompany{1000};
/// From one look to the next, with what clocks of milliseconds make of it.
constexpr microseconds kLookAtLine{2500};
/// Of the bandwidth-delay product. More than 1, or a credit that is the limit would never grow.
constexpr double kGainAlone = 2.0;
constexpr double kGainInCompany = 1.25;
/// However fast a round was.
constexpr double kLargestGrowth = 2.0;
/// However slow: TCP's own slow start or a pause of the program can make it so. In company nothing holds the credit up.
constexpr double kLargestFallAlone = 0.75;
constexpr double kLargestCredit = 1U << 30U;
/// Times of the quickest answer: not every one is as quick.
constexpr int kAnswers = 2;
/// In bytes a microsecond, 256 Mbit/s: what the first credit is for.
constexpr double kAssumedRate = 32;

/// Part of a message would not be granted, and one alone is none while it is on its way.
std::uint32_t whole_messages(std::uint32_t bytes) {
  constexpr std::uint32_t kWhole = FlowCredit::kFullMessage;
  return bytes <= kWhole ? bytes : bytes + (kWhole - bytes % kWhole) % kWhole;
}

}  // namespace

std::uint32_t FlowCredit::floor_of(std::uint64_t bytes_in_a_millisecond) {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes_in_a_millisecond / 2, kFloorInCompany, kFloorInFastCompany));
}

void FlowCredit::begin(TimePoint now, microseconds round_trip) {
  const double product = kAssumedRate * static_cast<double>(round_trip.count());
  alone_ = static_cast<std::uint32_t>(std::clamp<double>(product, kFloorAlone, kFirstAlone));
  round_began_ = latest_ = now;
}

void FlowCredit::adapt(TimePoint now, const Line& line) {
  const Duration taken = now - round_began_;
  const auto credit = [&](Duration time, double gain, microseconds slack, double least, double before) {
    const double rate = static_cast<double>(round_bytes_) / static_cast<double>(microseconds(time).count());
    const double product = gain * rate * static_cast<double>((line.round_trip + slack).count());
    const double largest = std::min(before * kLargestGrowth, kLargestCredit);
    return static_cast<std::uint32_t>(std::clamp(product, least, std::max(largest, least)));
  };
  const double least = std::max<double>(kFloorAlone, alone_ * kLargestFallAlone);
  const double before = std::max(alone_, allowed_);
  const std::uint32_t for_bursts = credit(std::max(taken - rested_, kShortestRound), kGainAlone, kSlackAlone, least, before);
  alone_ = std::max(credit(taken, kGainAlone, kSlackAlone, least, before), std::min(for_bursts, kFirstAlone));
  // Where the round trip is what counts there is nothing to be found out by an answer; and a lost packet can make a round slow.
  const bool is_long = line.round_trip >= kSlackInCompany;
  const bool is_held_down = answer_time_.is_probing() && allowed_ < in_company_;
  if (!is_held_down) {
    floor_ = whole_messages(line.floor_in_company);
    const microseconds slack = std::min(kSlackInCompany, kAnswers * answer_time_.value());
    const std::uint32_t now_needed = whole_messages(credit(taken, kGainInCompany, slack, floor_, allowed_));
    in_company_ = std::max(now_needed, std::exchange(needed_before_, is_long ? now_needed : 0));
    for_line_ = credit(taken, kGainInCompany, kLookAtLine, 0, std::max(for_line_, allowed_));
  }
  if (!is_long) answer_time_.look(now, line.round_trip + kSlackInCompany);
  round_bytes_ = 0;
  rested_ = {};
  round_began_ = now;
}

}  // namespace sallyport::mux

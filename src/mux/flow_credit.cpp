#include "mux/flow_credit.hpp"

#include <algorithm>

namespace sallyport::mux {
namespace {

using std::chrono::microseconds;

/// What is added to the round trip for the programs at both ends, which don't run at once. Alone it buys throughput; in
/// company it would be felt.
constexpr microseconds kSlackAlone{4000};
constexpr microseconds kSlackInCompany{200};
/// Of the bandwidth-delay product. More than 1, or a credit that is the limit would never grow.
constexpr double kGainAlone = 2.0;
constexpr double kGainInCompany = 1.25;
/// However fast a round was.
constexpr double kLargestGrowth = 2.0;
/// However slow: TCP's own slow start or a pause of the program can make it so. In company nothing holds the credit up.
constexpr double kLargestFallAlone = 0.75;
constexpr double kLargestCredit = 1U << 30U;
/// In bytes a microsecond, 256 Mbit/s: what the first credit is for.
constexpr double kAssumedRate = 32;

}  // namespace

std::uint32_t FlowCredit::floor_of(std::uint64_t bytes_in_a_millisecond) {
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(bytes_in_a_millisecond / 2, kFloorInCompany, kFloorInFastCompany));
}

void FlowCredit::begin(TimePoint now, microseconds round_trip) {
  const double product = kAssumedRate * static_cast<double>(round_trip.count());
  value_ = static_cast<std::uint32_t>(std::clamp<double>(product, kFloorAlone, kFirstAlone));
  round_began_ = now;
}

void FlowCredit::adapt(TimePoint now, const Line& line) {
  const double rate = static_cast<double>(round_bytes_) / static_cast<double>(microseconds(now - round_began_).count());
  const double largest = std::min(value_ * kLargestGrowth, kLargestCredit);
  const auto credit = [&](double gain, microseconds slack, double least) {
    const double product = gain * rate * static_cast<double>((line.round_trip + slack).count());
    return static_cast<std::uint32_t>(std::clamp(product, least, std::max(largest, least)));
  };
  in_company_limit_ = credit(kGainInCompany, kSlackInCompany, line.floor_in_company);
  value_ = line.in_company ? in_company_limit_
                           : credit(kGainAlone, kSlackAlone, std::max<double>(kFloorAlone, value_ * kLargestFallAlone));
  round_bytes_ = 0;
  round_began_ = now;
}

}  // namespace sallyport::mux

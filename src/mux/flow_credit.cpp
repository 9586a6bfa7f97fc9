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
constexpr double kLargestCredit = 1U << 30U;

}  // namespace

void FlowCredit::adapt(TimePoint now, microseconds round_trip, bool in_company) {
  const double rate = static_cast<double>(round_bytes_) / static_cast<double>(microseconds(now - round_began_).count());
  const double largest = std::min(value_ * kLargestGrowth, kLargestCredit);
  const auto credit = [&](double gain, microseconds slack, std::uint32_t floor) {
    const double product = gain * rate * static_cast<double>((round_trip + slack).count());
    return static_cast<std::uint32_t>(std::clamp(product, static_cast<double>(floor), std::max<double>(largest, floor)));
  };
  in_company_limit_ = credit(kGainInCompany, kSlackInCompany, kFloorInCompany);
  value_ = in_company ? in_company_limit_ : credit(kGainAlone, kSlackAlone, kFloorAlone);
  round_bytes_ = 0;
  round_began_ = now;
}

}  // namespace sallyport::mux

// What the peer at one end of a relay is granted, so that all that it sends can be sent on to the other end.
#pragma once

#include <algorithm>
#include <cstdint>

#include "mux/flow/flow.hpp"
#include "mux/flow/flow_credit.hpp"
#include "mux/flow/room_limits.hpp"

namespace sallyport::mux {

/// What is to be done now.
struct TopUp {
  /// What must change before there may be more, and has to be asked for.
  enum class Wait : std::uint8_t { nothing, congestion, room };
  std::uint32_t grant = 0;
  Wait wait = Wait::nothing;
};

/// The largest step: whoever is far misses a round trip later what he isn't granted in time, and adjusts are cheap beside that.
inline constexpr std::uint32_t kLargestStep = 64 * 1024;
/// The smallest one where there is room for it: whoever waits for it sends a message of the full size.
inline constexpr std::uint32_t kFullStep = 32 * 1024;

/// In which steps a peer is granted what it may send, when that is `allowed` bytes in all. An adjust for each message would
/// double their number; and the steps are regular, since another Sallyport, or anybody who does as we do, takes us for somebody
/// who has consumed nothing until it knows them (see AdjustHabit).
inline std::uint32_t step_within(std::uint32_t allowed) {
  const std::uint32_t least = allowed >= kFullStep + kFullStep / 2 ? kFullStep : allowed / 2;
  return std::clamp(allowed / 4, least, kLargestStep);
}

/// How much the peer of `source` may have under way behind us, to the peer of `sink`.
inline std::uint32_t allowed_behind(const Flow& sink, const FlowCredit& credit) {
  return std::min(credit.value(sink.in_company), sink.credit);
}

/// How much it may have under way on its own way to us.
inline std::uint32_t allowed(const Flow& source, const Flow& sink, const FlowCredit& credit) {
  return std::min({credit.value(source.in_company), source.credit, allowed_behind(sink, credit)});
}

/// For data that goes from `source` to `sink` with that credit. `room_within` tells how much room the sink has within RoomLimits;
/// it is asked last, and only where there is something to be granted, since it may have to ask the kernel.
template <typename RoomWithin>
TopUp top_up(const Flow& source, const Flow& sink, const FlowCredit& credit, RoomWithin room_within) {
  if (sink.congested) return {0, TopUp::Wait::congestion};
  const std::uint32_t wanted = std::min(sink.window, allowed(source, sink, credit));
  const std::uint32_t step = step_within(wanted);
  if (source.granted >= wanted || wanted - source.granted < step) return {};
  // From here on only the peer's window may be what is waited for: whatever else there is too little of must tell when there is
  // more. Alone a little more may be behind us, so that it needn't be known exactly each time.
  const std::uint32_t behind = allowed_behind(sink, credit);
  const std::uint32_t spare = sink.in_company ? 0 : (std::max(behind, FlowCredit::kFloorAlone) - FlowCredit::kFloorAlone) / 4;
  const std::uint32_t line = std::min(credit.for_line(sink.in_company), sink.credit);
  const std::uint32_t room = std::min(wanted, room_within(RoomLimits{behind + spare, line + spare, wanted}));
  if (source.granted >= room || room - source.granted < step) return {0, TopUp::Wait::room};
  // Whole messages, unless it is the window that counts: an odd rest would be a small one each time.
  const std::uint32_t target = room < kFullStep || room == sink.window ? room : room - room % kFullStep;
  if (target <= source.granted) return {};  // it still has one to send
  return {target - source.granted, TopUp::Wait::nothing};
}

}  // namespace sallyport::mux

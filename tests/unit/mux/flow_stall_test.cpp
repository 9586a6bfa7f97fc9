// No peer can stall us, nor can two of us in series: bulk through daemons is as fast as without them, whatever the programs at
// both ends do with their windows.
#include <algorithm>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "flow_simulation.hpp"

namespace sallyport::mux {
namespace {

constexpr std::uint32_t kWindows[] = {4 * 1024, 64 * 1024, 2 * 1024 * 1024, 0x7fffffff};
constexpr Adjusts kHabits[] = {Adjusts::at_once, Adjusts::small_steps, Adjusts::openssh, Adjusts::half,
                               Adjusts::all,     Adjusts::at_random,   Adjusts::late,    Adjusts::never};

bool is_long(const FlowRow& row) { return row.line == Simulated::long_line || row.line == Simulated::long_lines; }

/// The part of what would be possible that has to be reached.
double least_of(const FlowRow& row) {
  // A program that has company and adjusts 5 ms after it has consumed can't be told from one that reads 5 ms late: what stands
  // with that one is what is bounded. No program is known that does so: those that adjust late consume late.
  if (row.adjusts == Adjusts::late && row.channels > 1) return 0.6;
  // Each program in series adds a turn for each window; and half of such a window makes a message.
  if (row.line == Simulated::loopback && row.window <= 64 * 1024) return 0.7;
  // A pause for a packet that is sent again looks like a slower line, once.
  if (row.line == Simulated::lossy_line) return row.channels == 1 ? 0.8 : 0.9;
  // What a credit has grown to after some round trips.
  if (is_long(row)) return 0.85;
  // Window adjusts wait behind the data that goes their way.
  if (row.bulk == Bulk::both) return row.daemons > 2 ? 0.7 : 0.85;
  return 0.9;
}

/// Milliseconds for which one channel may rest.
double longest_gap_of(const FlowRow& row, const FlowOutcome& directly) {
  const double learning = 10 + 1.5 * (is_long(row) ? round_trip_of(row) : 0);
  const double turns = row.line == Simulated::slow_line ? 13.0 * (row.channels + 1) : 0.4 * row.channels;  // 64 KiB each
  return directly.longest_gap + learning + turns;
}

FlowOutcome expect_flow(const FlowRow& row) {
  SCOPED_TRACE(name_of(row));
  const FlowOutcome directly = run_directly(row);
  FlowOutcome through = run_flow(row);
  EXPECT_EQ(through.problem, "");
  // Who never gives anything back has got all of the window by then.
  const bool is_over = directly.bytes == 0;
  const double possible = static_cast<double>(is_over ? directly.bytes_in_all : directly.bytes);
  EXPECT_GT(possible, 0);
  EXPECT_GE(static_cast<double>(is_over ? through.bytes_in_all : through.bytes), least_of(row) * possible);
  if (!is_over) {
    EXPECT_LE(through.longest_gap, longest_gap_of(row, directly));
  }
  return through;
}

void expect_every_habit(Simulated line, std::uint32_t daemons) {
  for (const Adjusts adjusts : kHabits)
    for (const std::uint32_t window : kWindows) {
      FlowRow row;
      row.line = line;
      row.adjusts = adjusts;
      row.window = window;
      row.daemons = daemons;
      expect_flow(row);
    }
}

TEST(FlowStallTest, NoHabitOfAPeerStallsOneDaemon) { expect_every_habit(Simulated::slow_line, 1); }

TEST(FlowStallTest, NoHabitOfAPeerStallsTwoInSeries) { expect_every_habit(Simulated::loopback, 2); }

TEST(FlowStallTest, NorInCompany) {
  std::size_t turn = 0;
  for (const std::uint32_t channels : {4u, 50u})
    for (const Bulk bulk : {Bulk::down, Bulk::up, Bulk::both})
      for (const std::uint32_t daemons : {1u, 2u, 3u}) {
        FlowRow row;
        row.bulk = bulk;
        row.channels = channels;
        row.daemons = daemons;
        row.adjusts = kHabits[turn++ % 7];
        expect_flow(row);
      }
}

TEST(FlowStallTest, NorOnSeveralConnections) {
  for (const std::uint32_t daemons : {1u, 2u})
    for (const Bulk bulk : {Bulk::down, Bulk::up}) {
      FlowRow row;
      row.bulk = bulk;
      row.channels = row.connections = 8;
      row.daemons = daemons;
      const FlowOutcome through = expect_flow(row);
      // In company too they are to send whole messages, but for what is left over at the beginning.
      EXPECT_GE(through.bytes, through.messages * 22 * 1024) << name_of(row);
    }
}

TEST(FlowStallTest, NorWithMaximumPacketsOfAnySize) {
  for (const std::uint32_t packet : {256u, 16u * 1024, 0x7fffffffu}) {
    FlowRow row;
    row.line = packet == 256 ? Simulated::slow_line : Simulated::loopback;
    row.maximum_packet = packet;
    row.daemons = 2;
    expect_flow(row);
  }
}

TEST(FlowStallTest, NorOverALongLine) {
  for (const std::uint32_t daemons : {1u, 2u})
    for (const Bulk bulk : {Bulk::down, Bulk::up, Bulk::both}) {
      FlowRow row;
      row.line = Simulated::long_line;
      row.bulk = bulk;
      row.daemons = daemons;
      row.adjusts = Adjusts::half;
      expect_flow(row);
    }
  FlowRow wide;
  wide.line = Simulated::long_line;
  wide.window = 0x7fffffff;
  expect_flow(wide);
  FlowRow series;
  series.line = Simulated::long_lines;
  series.daemons = 2;
  expect_flow(series);
}

TEST(FlowStallTest, NorWherePacketsAreLost) {
  for (const std::uint32_t daemons : {1u, 2u})
    for (const Bulk bulk : {Bulk::down, Bulk::up})
      for (const std::uint32_t channels : {1u, 4u}) {
        FlowRow row;
        row.line = Simulated::lossy_line;
        row.daemons = daemons;
        row.bulk = bulk;
        row.channels = channels;
        expect_flow(row);
      }
}

TEST(FlowStallTest, NorByAnExchangeOfKeys) {
  for (const Simulated line : {Simulated::loopback, Simulated::slow_line, Simulated::long_line})
    for (const std::uint32_t daemons : {1u, 2u, 3u})
      for (const std::uint32_t channels : {1u, 4u}) {
        FlowRow row;
        row.line = line;
        row.daemons = daemons;
        row.channels = channels;
        row.rekeys = true;
        expect_flow(row);
      }
}

TEST(FlowStallTest, GoesOnWhenAPeerThatHadStoppedDoes) {
  for (const Simulated line : {Simulated::loopback, Simulated::slow_line, Simulated::long_line})
    for (const Adjusts adjusts : {Adjusts::openssh, Adjusts::half}) {
      FlowRow row;
      row.line = line;
      row.adjusts = adjusts;
      row.daemons = 2;
      row.stops = true;
      if (line != Simulated::long_line && adjusts == Adjusts::half) row.window = 0x7fffffff;
      const FlowOutcome through = expect_flow(row);
      EXPECT_LE(through.largest_held, 2u * 1024 * 1024 + 256 * 1024) << name_of(row);
    }
}

TEST(FlowStallTest, NorByAKernelThatIsSlowToAcknowledge) {
  for (const Bulk bulk : {Bulk::down, Bulk::up})
    for (const std::uint32_t daemons : {1u, 2u}) {
      FlowRow row;
      row.line = Simulated::lazy_loopback;
      row.bulk = bulk;
      row.daemons = daemons;
      row.keystrokes = true;
      row.stops = true;  // what is allowed is little behind it, and has to grow
      expect_flow(row);
    }
}

TEST(FlowStallTest, AKeystrokeIsNotFeltToWaitBehindBulk) {
  for (const Simulated line : {Simulated::loopback, Simulated::slow_line})
    for (const Bulk bulk : {Bulk::down, Bulk::up})
      for (const std::uint32_t daemons : {1u, 2u, 3u}) {
        FlowRow row;
        row.line = line;
        row.bulk = bulk;
        row.daemons = daemons;
        row.keystrokes = true;
        const FlowOutcome through = expect_flow(row);
        const auto& echoes = through.echoes;
        ASSERT_FALSE(echoes.empty());
        const bool is_near = line == Simulated::loopback;
        EXPECT_LE(echoes[echoes.size() / 2], is_near ? 0.8 + 0.4 * daemons : 4) << name_of(row);
        EXPECT_LE(echoes[echoes.size() * 95 / 100], is_near ? 1.0 + 0.4 * daemons : 6) << name_of(row);
      }
}

}  // namespace
}  // namespace sallyport::mux

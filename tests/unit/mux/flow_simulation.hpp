// Bulk and keystrokes between programs that give their windows back as they like, directly and through daemons in series, in
// simulated time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sallyport::mux {

/// When a program gives back what it has consumed of a window.
enum class Adjusts : std::uint8_t {
  at_once,      ///< every message
  small_steps,  ///< 32 KiB
  openssh,      ///< 96 KiB
  half,         ///< of the window
  all,          ///< when nothing is left of it
  at_random,    ///< a step of any size up to the window, another one each time
  late,         ///< as OpenSSH, and some milliseconds later
  never,
};

enum class Simulated : std::uint8_t {
  loopback,       ///< 250 MB/s, a tenth of a millisecond to the next program
  lazy_loopback,  ///< the same, with kernels that acknowledge a single segment 40 ms late, as they do for people who type
  slow_line,      ///< one of 5 MB/s, in the way of what is sent: the others are as on the loopback
  long_line,      ///< one of 1 Gbit/s with 100 ms there and back
  long_lines,     ///< all of them
  lossy_line,     ///< one of 1 Gbit/s with 10 ms there and back, on which packets are lost and sent again
};

enum class Bulk : std::uint8_t { down, up, both };

/// One simulation: every program of it has the same habits.
struct FlowRow {
  Simulated line = Simulated::loopback;
  Adjusts adjusts = Adjusts::openssh;
  std::uint32_t window = 2 * 1024 * 1024;
  std::uint32_t maximum_packet = 32 * 1024;
  std::uint32_t channels = 1;
  std::uint32_t connections = 1;  ///< of the same user, which share a trunk; the channels are dealt out to them
  std::uint32_t daemons = 1;
  Bulk bulk = Bulk::down;
  bool keystrokes = false;  ///< one more channel of the first connection sends a byte now and then, which comes back
  bool stops = false;       ///< who receives reads nothing for a while
  bool rekeys = false;      ///< on every connection keys are exchanged for some milliseconds
};

std::string name_of(const FlowRow& row);

struct FlowOutcome {
  std::uint64_t bytes = 0;  ///< of all channels, once it was under way
  std::uint64_t bytes_in_all = 0;
  std::uint64_t messages = 0;      ///< that carried them to the first daemon, or to the target
  double longest_gap = 0;          ///< milliseconds in which one channel got nothing, once under way, and after a stop
  std::vector<double> echoes;      ///< milliseconds, ascending
  std::uint64_t largest_held = 0;  ///< by the daemons, for the user
  std::string problem;             ///< who disconnected, and why; empty: nobody did
};

/// Runs the row through its daemons.
FlowOutcome run_flow(const FlowRow& row);
/// What would be possible: the same programs joined by one line as long as all of the row's, on one connection.
FlowOutcome run_directly(const FlowRow& row);
/// Milliseconds, there and back, of all lines of the row.
double round_trip_of(const FlowRow& row);

}  // namespace sallyport::mux

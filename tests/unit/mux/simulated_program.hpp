// A client or a server of the flow simulation.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>

#include "fakes/simulated_line.hpp"
#include "flow_simulation.hpp"

namespace sallyport::mux {

/// What every program of a row does.
struct ProgramHabits {
  Adjusts adjusts = Adjusts::openssh;
  std::uint32_t window = 0;
  std::uint32_t maximum_packet = 0;
  double lateness = 0;  ///< of Adjusts::late, in milliseconds
};

/// One SSH program at the end of a line: it opens or takes sessions, sends without end on those that are told to, and consumes
/// what comes.
class SimulatedProgram {
 public:
  /// On the client's side `out` is the way there.
  SimulatedProgram(fakes::SimulatedWay& out, fakes::SimulatedWay& in, const ProgramHabits& habits, std::uint32_t seed)
      : out_(out), in_(in), habits_(habits), random_(seed) {}

  /// A client's: opens a session for that command. Servers send without end for "down" and "both", clients for "up" and
  /// "both"; "echo" is keystrokes.
  void open(const std::string& command);
  /// Everything that arrives until `now` (milliseconds) is read and answered, and what can be sent is.
  void turn(double now);
  /// Nothing is read while that is so.
  void stop(bool stopped) { stopped_ = stopped; }
  /// What has been received and echoed is counted from now on.
  void begin_measuring();
  /// Gaps are counted from the first bytes on, and anew from here.
  void forget_gaps(double now);

  std::uint64_t received() const { return received_; }
  std::uint64_t messages() const { return messages_; }
  double longest_gap(double now) const;
  const std::vector<double>& echoes() const { return echoes_; }

 private:
  struct End {
    std::string command;
    std::uint32_t peer = 0;
    bool confirmed = false;
    bool sends = false;
    bool echoes = false;
    bool receives = false;
    std::uint64_t window = 0;          // may be sent
    std::uint64_t maximum_packet = 0;  // of the peer's
    std::uint64_t left = 0;            // the peer may send
    std::uint64_t consumed = 0;        // and not given back
    std::uint64_t step = 0;
    double latest = 0;  // something came
    double longest_gap = 0;
    double pressed = 0;  // the latest keystroke
    bool waits = false;  // for its echo
  };
  struct LateAdjust {
    double at;
    std::uint32_t number;
    std::uint64_t bytes;
  };

  void read(ByteView message, double now);
  void consume(std::uint32_t number, std::uint64_t bytes, double now);
  void adjust(End& end, std::uint64_t bytes);
  std::uint64_t next_step();
  void begin(End& end, const std::string& command, bool is_client);
  void send_some(double now);
  void send_data(End& end, std::uint64_t size);

  fakes::SimulatedWay& out_;
  fakes::SimulatedWay& in_;
  const ProgramHabits habits_;
  std::minstd_rand random_;
  std::deque<End> ends_;
  std::deque<LateAdjust> late_;
  std::size_t next_ = 0;  // whose turn it is to send
  bool stopped_ = false;
  bool measuring_ = false;
  std::uint64_t received_ = 0;
  std::uint64_t messages_ = 0;
  std::vector<double> echoes_;
};

}  // namespace sallyport::mux

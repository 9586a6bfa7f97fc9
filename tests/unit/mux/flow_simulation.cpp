#include "flow_simulation.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "fakes/fake_clock.hpp"
#include "fakes/fake_launcher.hpp"
#include "fakes/fake_streams.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/simulated_line.hpp"
#include "mux/downstream/hub.hpp"
#include "simulated_program.hpp"
#include "world.hpp"

namespace sallyport::mux {
namespace {

using fakes::LineKind;
using fakes::SimulatedEnd;
using fakes::SimulatedLine;

constexpr LineKind kNear{25'000, 0};  // in a tenth of a millisecond

/// How long a turn is, and what a line does in it.
struct Pace {
  int turns_in_a_millisecond;  // or, when negative, the milliseconds of a turn
  LineKind line;
  double warm_up;   // milliseconds until it is under way
  double measured;  // and then
  double turn() const { return turns_in_a_millisecond > 0 ? 1.0 / turns_in_a_millisecond : -turns_in_a_millisecond; }
};

Pace pace_of(const FlowRow& row) {
  switch (row.line) {
    case Simulated::loopback: return {10, kNear, 60, 30};
    case Simulated::lazy_loopback: return {10, {kNear.rate, 0, 0, 0, 65'483, 400}, 500, 500};
    case Simulated::slow_line: return {10, {500, 0}, 200, row.keystrokes ? 800.0 : 300.0};
    case Simulated::long_line: return {1, {125'000, 49}, 1000, 300};
    case Simulated::lossy_line: return {1, {125'000, 4, 16'000'000, 10}, 300, 1000};
    case Simulated::long_lines: break;
  }
  return {-2, {250'000, 24}, 3000, 500};
}

/// The line in front of the daemon of that number, or of the server. Where one is slow the others aren't: whatever comes in must
/// not be more than goes out.
LineKind line_of(const FlowRow& row, const Pace& pace, std::size_t number) {
  const bool all_alike =
      row.line == Simulated::loopback || row.line == Simulated::lazy_loopback || row.line == Simulated::long_lines;
  if (all_alike) return pace.line;
  const std::size_t special = row.bulk == Bulk::up ? row.daemons : 0;
  return number == special ? pace.line : LineKind{kNear.rate * 10 / static_cast<std::uint64_t>(pace.turns_in_a_millisecond), 0};
}

bool is_long(const FlowRow& row) { return row.line == Simulated::long_line || row.line == Simulated::long_lines; }

double round_trip(const Pace& pace) { return 2 * (pace.line.delay + 1) * pace.turn(); }

std::uint32_t windows_that_fill(const FlowRow& row) {
  // What the bastion is configured with; its own bound isn't what is looked at here.
  return is_long(row) ? 64 * 1024 * 1024 : HubSettings{}.channel_window;
}

/// A daemon, and the lines to whoever is behind it.
struct Daemon final : UpstreamConnector {
  /// Makes the next program or daemon, at the far end of a line.
  using MakePeer = std::function<void(SimulatedLine& line)>;

  Daemon(fakes::FakeClock& the_clock, const FlowRow& row, const Pace& its_pace, LineKind its_line, MakePeer behind)
      : clock(the_clock), pace(its_pace), line_behind(its_line), make_peer(std::move(behind)) {
    Config values = world_config();
    for (auto& [name, target] : values.targets) target.options.channels_per_trunk = 1000;
    config = std::make_shared<const Config>(std::move(values));
    HubSettings settings;
    settings.channel_window = windows_that_fill(row);
    settings.channels_per_connection = 1000;
    hub = std::make_unique<Hub>(clock, journal, *this, launcher, streams, settings);
  }

  std::chrono::microseconds round_trip_over(LineKind line) const {
    return std::chrono::microseconds(static_cast<std::int64_t>(2000 * (line.delay + 1) * pace.turn()));
  }
  /// A client, at the far end of the line.
  void admit(SimulatedLine& line) {
    ends.push_back(std::make_unique<SimulatedEnd>(line.back, line.there, round_trip_over(line.kind())));
    Admission client;
    client.id = ConnectionId{++last_connection};
    client.user = "alice";
    client.asked_target = "web1";
    client.source = {"192.0.2.1", 50000};
    client.method = "publickey";
    client.decision = *route::Router(config).route({"alice", "web1", "192.0.2.1"});
    hub->admit(std::move(client), ends.back()->transport(), {Duration::zero(), 3});
  }
  void turn() {
    for (UpstreamEvents* waiting : std::exchange(dials, {})) {
      SimulatedLine& line = lines.emplace_back(line_behind);
      ends.push_back(std::make_unique<SimulatedEnd>(line.there, line.back, round_trip_over(line.kind())));
      make_peer(line);
      waiting->on_connected(ends.back()->transport());
    }
    for (std::size_t i = 0; i < ends.size(); ++i) ends[i]->turn();
    largest_held = std::max<std::uint64_t>(largest_held, hub->held_for("alice"));
  }

  // UpstreamConnector
  std::unique_ptr<UpstreamAttempt> connect(const ResolvedTarget&, const UpstreamClient&, UpstreamEvents& events) override {
    struct Attempt final : UpstreamAttempt {
      std::unique_ptr<Stream> lend_agent(StreamEvents&) override { return nullptr; }
      void refuse_agent(std::string) override {}
      void answer(std::vector<SecretString>) override {}
      void refuse_answer(std::string) override {}
    };
    dials.push_back(&events);
    return std::make_unique<Attempt>();
  }
  CarriedAttempt connect_over(const ResolvedTarget&, const UpstreamClient&, UpstreamEvents&, StreamEvents&) override {
    return {};
  }
  std::unique_ptr<HostKeyLearner> learn_host_keys(const ResolvedTarget&, Bytes) override { return nullptr; }

  fakes::FakeClock& clock;
  const Pace pace;
  const LineKind line_behind;
  const MakePeer make_peer;
  fakes::RecordingJournal journal;
  fakes::FakeLauncher launcher;
  fakes::FakeStreams streams;
  std::shared_ptr<const Config> config;
  std::vector<UpstreamEvents*> dials;
  std::deque<SimulatedLine> lines;  // to who is behind
  std::vector<std::unique_ptr<SimulatedEnd>> ends;
  std::uint64_t last_connection = 0;
  std::uint64_t largest_held = 0;
  std::unique_ptr<Hub> hub;
};

/// All programs of one row, and the time.
class Simulation {
 public:
  Simulation(const FlowRow& row, const Pace& pace, std::uint32_t daemons) : row_(row), pace_(pace) {
    for (std::uint32_t i = 0; i < daemons; ++i)
      daemons_.push_back(std::make_unique<Daemon>(clock_, row, pace, line_of(row, pace, i + 1),
                                                  [this, i](SimulatedLine& line) { make_peer(i + 1, line); }));
    const std::uint32_t connections = daemons == 0 ? 1 : row.connections;
    for (std::uint32_t i = 0; i < connections; ++i) {
      SimulatedLine& line = lines_.emplace_back(daemons == 0 ? pace.line : line_of(row, pace, 0));
      clients_.emplace_back(line.there, line.back, habits(), 100 + i);
      make_peer(0, line);
    }
    const char* const bulk = row.bulk == Bulk::down ? "down" : row.bulk == Bulk::up ? "up" : "both";
    for (std::uint32_t i = 0; i < row.channels; ++i) clients_[i % connections].open(bulk);
    if (row.keystrokes) clients_[0].open("echo");
  }

  FlowOutcome run() {
    run_until(pace_.warm_up);
    const std::uint64_t before = received();
    if (row_.stops) stop();
    each([](SimulatedProgram& program) { program.begin_measuring(); });
    if (row_.rekeys) exchange_keys();
    run_until(now_ + pace_.measured);
    FlowOutcome outcome;
    outcome.bytes = received();
    outcome.bytes_in_all = before + outcome.bytes;
    each([&](SimulatedProgram& program) {
      outcome.messages += program.messages();
      outcome.longest_gap = std::max(outcome.longest_gap, program.longest_gap(now_));
      outcome.echoes.insert(outcome.echoes.end(), program.echoes().begin(), program.echoes().end());
    });
    std::sort(outcome.echoes.begin(), outcome.echoes.end());
    for (const auto& daemon : daemons_) {
      outcome.largest_held = std::max(outcome.largest_held, daemon->largest_held);
      for (const auto& end : daemon->ends)
        if (!end->disconnected().empty()) outcome.problem = end->disconnected();
    }
    return outcome;
  }

 private:
  ProgramHabits habits() const { return {row_.adjusts, row_.window, row_.maximum_packet, 5 + round_trip(pace_) / 10}; }

  /// Whoever comes behind that many daemons takes the line.
  void make_peer(std::size_t behind, SimulatedLine& line) {
    if (behind < daemons_.size()) return daemons_[behind]->admit(line);
    servers_.emplace_back(line.back, line.there, habits(), 200);
  }
  /// The receivers rest until everything that may be sent to them has been, and go on.
  void stop() {
    auto& programs = row_.bulk == Bulk::up ? servers_ : clients_;
    for (SimulatedProgram& program : programs) program.stop(true);
    run_until(now_ + 700 + 4 * round_trip(pace_));
    for (SimulatedProgram& program : programs) program.stop(false);
    run_until(now_ + 300 + 2 * round_trip(pace_));  // a look at a line that stands may be a quarter of a second away
    each([this](SimulatedProgram& program) { program.forget_gaps(now_); });
  }
  /// As long as a slow machine takes for it.
  void exchange_keys() {
    const auto set = [this](bool exchanges) {
      each_line([exchanges](SimulatedLine& line) {
        line.there.exchange_keys(exchanges);
        line.back.exchange_keys(exchanges);
      });
    };
    set(true);
    run_until(now_ + pace_.measured / 10);
    set(false);
  }
  void run_until(double time) {
    while (now_ < time) {
      each_line([](SimulatedLine& line) { line.advance(); });
      each([this](SimulatedProgram& program) { program.turn(now_); });
      for (const auto& daemon : daemons_) daemon->turn();
      now_ += pace_.turn();
      clock_.pass(std::chrono::microseconds(static_cast<std::int64_t>(1000 * pace_.turn())));
    }
  }
  template <typename Act>
  void each_line(Act act) {
    for (SimulatedLine& line : lines_) act(line);
    for (const auto& daemon : daemons_)
      for (SimulatedLine& line : daemon->lines) act(line);
  }
  template <typename Act>
  void each(Act act) {
    for (auto* programs : {&clients_, &servers_})
      for (SimulatedProgram& program : *programs) act(program);
  }
  std::uint64_t received() {
    std::uint64_t bytes = 0;
    each([&bytes](SimulatedProgram& program) { bytes += program.received(); });
    return bytes;
  }

  const FlowRow row_;
  const Pace pace_;
  double now_ = 0;
  fakes::FakeClock clock_;
  std::deque<SimulatedLine> lines_;  // of the clients
  std::deque<SimulatedProgram> clients_;
  std::deque<SimulatedProgram> servers_;
  std::vector<std::unique_ptr<Daemon>> daemons_;
};

}  // namespace

std::string name_of(const FlowRow& row) {
  static constexpr const char* kLines[] = {"loopback",          "lazy loopback",         "5 MB/s",
                                           "1 Gbit/s x 100 ms", "all 1 Gbit/s x 100 ms", "lossy 1 Gbit/s x 10 ms"};
  static constexpr const char* kAdjusts[] = {"at once", "32 KiB", "96 KiB", "half", "all", "at random", "late", "never"};
  static constexpr const char* kBulk[] = {"down", "up", "both ways"};
  std::string text = std::string(kLines[static_cast<int>(row.line)]) + ", " + kBulk[static_cast<int>(row.bulk)] + ", adjusts " +
                     kAdjusts[static_cast<int>(row.adjusts)] + ", window " + std::to_string(row.window) + ", packets " +
                     std::to_string(row.maximum_packet) + ", " + std::to_string(row.channels) + " channels on " +
                     std::to_string(row.connections) + ", daemons " + std::to_string(row.daemons);
  if (row.keystrokes) text += ", keystrokes";
  if (row.stops) text += ", stops";
  if (row.rekeys) text += ", rekeys";
  return text;
}

FlowOutcome run_flow(const FlowRow& row) { return Simulation(row, pace_of(row), row.daemons).run(); }

FlowOutcome run_directly(const FlowRow& row) {
  Pace pace = pace_of(row);
  // A turn for each program that passes things on, and their lines.
  pace.line.delay =
      row.line == Simulated::long_lines ? (pace.line.delay + 1) * (row.daemons + 1) - 1 : pace.line.delay + row.daemons;
  return Simulation(row, pace, 0).run();
}

double round_trip_of(const FlowRow& row) {
  const Pace pace = pace_of(row);
  if (row.line == Simulated::long_lines) return round_trip(pace) * (row.daemons + 1);
  return round_trip(pace) + 2 * row.daemons * pace.turn();
}

}  // namespace sallyport::mux

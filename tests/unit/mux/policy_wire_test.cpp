// That mux asks the policy: what the table of route/policy says of an act is what comes of its message on the wire, with every
// restriction.
#include "mux/admission/permission.hpp"
#include "unit/route/policy_table.hpp"
#include "wire/channel_opens.hpp"
#include "wire/encoding.hpp"
#include "wire/forwards.hpp"
#include "world.hpp"

namespace sallyport::mux {
namespace {

using route::Act;
using route::ActKind;
using route::Restricted;
using route::Restriction;

/// A time of day at which local_week_time() gives that minute of the week, whatever the machine's zone is.
std::chrono::system_clock::time_point wall_time_of(const config::WeekTime& at) {
  std::tm parts{};
  parts.tm_year = 126;
  parts.tm_mday = 5 + static_cast<int>(at.day);  // 5 January 2026 was a Monday
  parts.tm_min = static_cast<int>(at.minute);
  parts.tm_isdst = -1;
  return std::chrono::system_clock::from_time_t(std::mktime(&parts));
}

/// One client under one restriction.
class RestrictedWorld : public World {
 public:
  explicit RestrictedWorld(Restriction restriction) : RestrictedWorld(restriction, Restricted(restriction)) {}

  MemoryPeer& client;

  bool says(std::string_view text) {
    for (const std::string& line : take(client))
      if (line.find(text) != std::string::npos) return true;
    return false;
  }
  MemoryPeer& session() {
    client.deliver(open_message(7, 100000));
    client.take();
    return client;
  }
  /// Asks for a program, and whether and how it runs.
  char program(std::string_view type, ByteView fields, std::string_view as_asked) {
    session().deliver(request_message(0, type, true, fields));
    if (!launcher.programs.empty()) return launcher.programs[0].spec.argv.back().find("of the") == std::string::npos ? '+' : 'x';
    if (connector.dials.empty()) return '-';
    MemoryPeer& server = connector.succeed(0);
    server.take();
    server.deliver(confirm_message(0, 40, 100000));
    for (const std::string& line : take(server)) {
      if (line == as_asked) return '+';
      if (line.find("exec? of the") != std::string::npos) return 'x';
    }
    return '?';
  }
  /// Whether the message, which wants an answer, makes a connection to the target, or is granted at once.
  char asks_target(const Bytes& message) {
    client.deliver(message);
    if (connector.dials.empty() && streams.sockets.empty()) return '-';
    return '+';
  }
  /// Whether the request on a session is granted.
  char granted(std::string_view type, const Bytes& fields) {
    session().deliver(request_message(0, type, true, fields));
    if (connector.dials.empty()) {
      clock.advance(Session::kSentAlong);
    } else {  // it is the target's to answer
      MemoryPeer& server = connector.succeed(0);
      server.deliver(confirm_message(0, 40, 100000));
      server.deliver(success_message(0));
    }
    return says("SUCCESS") ? '+' : '-';
  }
  /// Whether the request reaches the target when a program runs there.
  char passed(std::string_view type, const Bytes& fields) {
    session().deliver(exec_message(0, "true"));
    if (connector.dials.empty()) return '?';
    MemoryPeer& server = connector.succeed(0);
    server.deliver(confirm_message(0, 40, 100000));
    server.deliver(success_message(0));
    server.take();
    client.deliver(request_message(0, type, true, fields));
    return server.take().empty() ? '-' : '+';
  }

 private:
  RestrictedWorld(Restriction restriction, const Restricted& restricted)
      : World(*restricted.config), client(enter(restriction, restricted)) {}

  MemoryPeer& enter(Restriction restriction, const Restricted& restricted) {
    clock.set_wall_time(wall_time_of(restricted.now));
    Admission admitted = admission("alice", restriction == Restriction::local_target ? "shell" : "web1");
    admitted.decision = restricted.decision;
    admitted.refusal = restricted.refusal;
    admitted.grant = restricted.grant;
    if (restricted.inner) admitted.outer = ConnectionId{99};
    return connect(std::move(admitted));
  }
};

/// What a message of the act comes to; nothing when a restriction leaves no way to get as far as sending one.
std::optional<char> outcome(Act act, Restriction restriction) {
  RestrictedWorld world(restriction);
  const std::string_view wire = route::info_of(act).wire;
  // These say by themselves that nothing runs, or that something else does.
  const bool runs = route::expected_outcome(Act::exec, restriction) == '+' && restriction != Restriction::local_target;
  switch (act) {
    case Act::session: world.client.deliver(open_message(7, 1000)); return world.says("CONFIRM") ? '+' : '-';
    case Act::direct_tcpip: return world.asks_target(direct_tcpip_message(7, 1000, "web1", 8080));
    case Act::direct_streamlocal:
      return world.asks_target(
          wire::build_channel_open(wire, LocalChannel{7}, 1000, 32768, wire::build_direct_streamlocal("/run/app.sock")));
    case Act::unknown_channel:
      world.client.deliver(open_message(7, 1000, 32768, "tun@openssh.com"));
      return world.says("CONFIRM") ? '+' : '-';
    case Act::shell: return world.program(wire, {}, "REQUEST 40 shell?");
    case Act::exec: return world.program(wire, wire::Writer().string("uptime").take(), "REQUEST 40 exec? uptime");
    case Act::subsystem: return world.program(wire, wire::Writer().string("sftp").take(), "REQUEST 40 subsystem? sftp");
    case Act::pty:
      return world.granted(wire, wire::Writer().string("xterm").uint32(80).uint32(24).uint32(0).uint32(0).string("").take());
    case Act::env:
      if (restriction == Restriction::local_target) return std::nullopt;  // accept_environment says what is granted there
      return world.granted(wire, wire::Writer().string("LANG").string("C").take());
    case Act::lend_agent: return world.granted(wire, {});
    case Act::lend_display:
      return world.granted(wire, wire::build_fields(wire::X11Request{true, "MIT-MAGIC-COOKIE-1", "00ff", 0}));
    case Act::window_change:
      if (!runs) return std::nullopt;
      return world.passed(wire, wire::Writer().uint32(80).uint32(24).uint32(0).uint32(0).take());
    case Act::signal:
      if (!runs) return std::nullopt;
      return world.passed(wire, wire::Writer().string("TERM").take());
    case Act::send_break:
      if (!runs) return std::nullopt;
      return world.passed(wire, wire::Writer().uint32(500).take());
    case Act::end_of_write:
    case Act::simple_channel:
    case Act::window_probe:
      if (!runs) return std::nullopt;
      return world.passed(wire, {});
    case Act::unknown_request:
      if (!runs) return std::nullopt;
      return world.passed("hello@example.com", {});
    case Act::tcpip_forward:
      return world.asks_target(wire::build_global_request(wire, true, wire::build_tcpip_forward("web1", 8080)));
    case Act::streamlocal_forward:
      return world.asks_target(wire::build_global_request(wire, true, wire::build_streamlocal_forward("/run/app.sock")));
    case Act::cancel_tcpip_forward:
    case Act::cancel_streamlocal_forward: return std::nullopt;  // is about what the connection has: see remote_forward_test
    case Act::prove_host_keys: return std::nullopt;             // the bastion has to have some: see own_host_keys_test
    case Act::no_more_sessions: world.client.deliver(global_message(wire, true)); return world.says("GLOBAL-SUCCESS") ? '+' : '-';
    case Act::unknown_global:
      world.client.deliver(global_message("hello@example.com", true));
      return world.says("GLOBAL-SUCCESS") ? '+' : '-';
    case Act::forwarded_tcpip:
    case Act::forwarded_streamlocal:
    case Act::agent_channel:
    case Act::display_channel: return std::nullopt;  // comes of what was allowed before: see below
  }
  return '?';
}

TEST(PolicyOnTheWire, IsWhatTheTableSays) {
  for (std::size_t column = 0; column < route::kRestrictionCount; ++column) {
    const auto restriction = static_cast<Restriction>(column);
    for (const route::PolicyRow& row : route::kPolicyTable) {
      const auto found = outcome(row.act, restriction);
      if (!found) continue;
      EXPECT_EQ(*found, row.outcomes[column])
          << "act " << route::info_of(row.act).wire << " (" << static_cast<int>(row.act) << "), restriction " << column;
    }
  }
}

TEST(PolicyOnTheWire, TheNamesAreThoseOfTheWire) {
  EXPECT_EQ(route::act_of(ActKind::client_channel, wire::kDirectTcpip), Act::direct_tcpip);
  EXPECT_EQ(route::act_of(ActKind::client_channel, wire::kDirectStreamlocal), Act::direct_streamlocal);
  EXPECT_EQ(route::act_of(ActKind::session_request, wire::kAgentRequest), Act::lend_agent);
  EXPECT_EQ(route::act_of(ActKind::session_request, wire::kX11Request), Act::lend_display);
  EXPECT_EQ(route::act_of(ActKind::global_request, wire::kTcpipForward), Act::tcpip_forward);
  EXPECT_EQ(route::act_of(ActKind::global_request, wire::kStreamlocalForward), Act::streamlocal_forward);
  EXPECT_EQ(route::act_of(ActKind::global_request, wire::kCancelTcpipForward), Act::cancel_tcpip_forward);
  EXPECT_EQ(route::act_of(ActKind::global_request, wire::kCancelStreamlocalForward), Act::cancel_streamlocal_forward);
  EXPECT_EQ(route::act_of(ActKind::target_channel, wire::kForwardedTcpip), Act::forwarded_tcpip);
  EXPECT_EQ(route::act_of(ActKind::target_channel, wire::kForwardedStreamlocal), Act::forwarded_streamlocal);
  EXPECT_EQ(route::act_of(ActKind::target_channel, wire::kAgent), Act::agent_channel);
  EXPECT_EQ(route::act_of(ActKind::target_channel, wire::kX11), Act::display_channel);
}

/// A client whose agent has been lent and for whom the target listens, on a route that is open from 8 to 18.
struct ArrivingTest : ::testing::Test {
  ArrivingTest() {
    world.clock.set_wall_time(wall_time_of(route::kOpenTime));
    MemoryPeer& client = world.client;
    client.deliver(open_message(7, 100000));
    client.deliver(request_message(0, wire::kAgentRequest, true));
    client.deliver(
        request_message(0, wire::kX11Request, true, wire::build_fields(wire::X11Request{true, "MIT-MAGIC-COOKIE-1", "00ff", 0})));
    client.deliver(exec_message(0, "true"));
    client.deliver(wire::build_global_request(wire::kTcpipForward, true, wire::build_tcpip_forward("localhost", 8080)));
    lender = &world.connector.succeed(0);
    lender->deliver(confirm_message(0, 40, 100000));
    for (int i = 0; i < 3; ++i) lender->deliver(success_message(0));
    listener = &world.connector.succeed(1);
    world.clock.turn();
    listener->deliver(type_only(wire::MessageType::request_success));
    for (MemoryPeer* peer : {&client, lender, listener}) peer->take();
  }
  void open_all() {
    lender->deliver(wire::build_channel_open(wire::kAgent, LocalChannel{50}, 1000, 32768));
    lender->deliver(
        wire::build_channel_open(wire::kX11, LocalChannel{51}, 1000, 32768, wire::build_x11_open({"127.0.0.1", 6010})));
    listener->deliver(wire::build_channel_open(wire::kForwardedTcpip, LocalChannel{52}, 1000, 32768,
                                               wire::build_forwarded_tcpip({"localhost", 8080, "127.0.0.1", 4000})));
  }
  RestrictedWorld world{Restriction::valid};
  MemoryPeer* lender = nullptr;
  MemoryPeer* listener = nullptr;
};

TEST_F(ArrivingTest, ChannelsOfTargetsComeWhileTheRouteIsOpen) {
  open_all();
  EXPECT_EQ(world.take(world.client).size(), 3u);
}

TEST_F(ArrivingTest, AndAreRefusedAfterwards) {
  world.clock.set_wall_time(wall_time_of(route::kClosedTime));
  open_all();
  EXPECT_THAT(world.take(world.client), IsEmpty());
  EXPECT_THAT(world.take(*lender), ElementsAre("REFUSE 50 1 target 'web1' may not be used at this time",
                                               "REFUSE 51 1 target 'web1' may not be used at this time"));
  EXPECT_THAT(world.take(*listener), ElementsAre("REFUSE 52 1 target 'web1' may not be used at this time"));
}

TEST(PolicyOnTheWire, EveryRefusalIsToldOf) {
  RestrictedWorld world(Restriction::restrict);
  world.session();
  for (int i = 0; i < 100; ++i) {
    world.client.deliver(request_message(0, "hello@example.com", false));
    world.client.deliver(global_message("hello@example.com", false));
  }
  for (const char* const line :
       {"request refused h1 hello@example.com: unknown request", "request refused c1 hello@example.com: unknown global request"})
    EXPECT_EQ(std::count(world.journal.lines.begin(), world.journal.lines.end(), line), 100) << line;
}

}  // namespace
}  // namespace sallyport::mux

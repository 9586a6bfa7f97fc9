// The lines of the log and the events of the audit trail, as administrators' own programs look for them.
#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.hpp"
#include "fakes/memory_logger.hpp"
#include "fakes/recording_trail.hpp"
#include "journal/fact_journal.hpp"
#include "journal/log_and_trail.hpp"
#include "samples.hpp"

namespace sallyport::journal {
namespace {

using Texts = std::vector<std::string>;

struct Shown {
  const char* fact;
  Texts lines;
  Texts events;
};

class LinesTest : public ::testing::TestWithParam<Shown> {
 protected:
  fakes::FakeClock clock_;
  fakes::MemoryLogger log_{log::Level::trace};
  fakes::RecordingTrail audit_;
  log::Records records_{log_, audit_, clock_};
  LogAndTrail log_and_trail_{records_};
  FactJournal journal_{{&log_and_trail_}};
};

TEST_P(LinesTest, AreWhatTheyAre) {
  const auto sample = std::find_if(samples().begin(), samples().end(),
                                   [](const Sample& one) { return std::string(one.name) == GetParam().fact; });
  ASSERT_NE(sample, samples().end());
  const facts::Client client{ConnectionId{1}, "CORP\\alice", {"10.0.0.1", 50000}, "publickey", "everybody"};
  sample->cause(journal_, client, {client.id, ChannelId{2}, TrunkId{3}}, "a\nb");
  EXPECT_EQ(log_.lines(), GetParam().lines);
  EXPECT_EQ(audit_.lines, GetParam().events);
}

const std::vector<Shown>& shown();

TEST(LinesTableTest, HasEachFact) { EXPECT_EQ(shown().size(), samples().size()); }

INSTANTIATE_TEST_SUITE_P(Facts, LinesTest, ::testing::ValuesIn(shown()),
                         [](const auto& test) { return std::string(test.param.fact); });

const std::vector<Shown>& shown() {
  static const std::vector<Shown> kShown{
      {"ConnectionDropped", {"warn conn=c1 dropped source=10.0.0.1:50000 reason=\"the audit trail can't be written\""}, {}},
      {"ProxyHeaderFailed", {"warn conn=c1 closed source=10.0.0.1:50000 reason=\"a\\nb\""}, {}},
      {"ProxyHeaderRead", {"info conn=c1 for source=10.0.0.1:50000 through proxy=10.0.0.9:4"}, {}},
      {"HealthChecked", {"debug conn=c1 closed source=10.0.0.9:4 reason=\"the balancer speaks for itself\""}, {}},
      {"ConnectionAccepted",
       {"info conn=c1 accepted source=10.0.0.1:50000", "info conn=c1 accepted source=10.0.0.1:50000 outer=c2 target=a\\nb"},
       {"connect connection=1 source=10.0.0.1 port=50000",
        "connect connection=1 source=10.0.0.1 port=50000 outer=2 target=a\nb"}},
      {"KeyFileFaulty", {"warn conn=c1 key file a\\nb:4: a\\nb"}, {}},
      {"KeysUnavailable", {"warn conn=c1 keys unavailable user=a\\nb reason=\"a\\nb\""}, {}},
      {"IdentityUnavailable", {"error conn=c1 session unavailable reason=\"a\\nb\""}, {}},
      {"MethodPassed", {"info conn=c1 passed user=CORP\\\\alice method=publickey source=10.0.0.1:50000"}, {}},
      {"AttemptRefused",
       {"info conn=c1 authentication refused user=\"a\\nb\" source=10.0.0.1 port=50000 method=publickey reason=\"a\\nb\" "
        "key_id=\"alice\\'s\" serial=5 ca=SHA256:ca",
        "info conn=c1 key not accepted user=\"a\\nb\" key=SHA256:key reason=\"a\\nb\" key_id=\"alice\\'s\" serial=5 "
        "ca=SHA256:ca"},
       {"auth connection=1 login=a\nb method=publickey key=SHA256:key success=false reason=a\nb key_id=alice's serial=5 "
        "ca=SHA256:ca",
        "auth connection=1 login=a\nb method=publickey key=SHA256:key success=false reason=a\nb key_id=alice's serial=5 "
        "ca=SHA256:ca"}},
      {"LoginTurnedAway",
       {"info conn=c1 login refused user=\"a\\nb\" source=10.0.0.1 port=50000 method=publickey reason=\"a\\nb\""},
       {"auth connection=1 login=a\nb method=publickey key=SHA256:key success=false reason=a\nb key_id=alice's serial=5 "
        "ca=SHA256:ca"}},
      {"Authenticated",
       {"info conn=c1 authenticated user=CORP\\\\alice method=publickey key=SHA256:key source=10.0.0.1:50000 "
        "key_id=\"alice\\'s\" serial=5 ca=SHA256:ca"},
       {"auth connection=1 login=a\nb method=publickey source=10.0.0.1 port=50000 key=SHA256:key success=true mfa=true "
        "key_id=alice's serial=5 ca=SHA256:ca"}},
      {"ConnectionNegotiated", {"debug conn=c1 negotiated kex=kex cipher=in/out strict_kex=true peer=a\\nb"}, {}},
      {"LoginFailed",
       {"info conn=c1 closed before login source=10.0.0.1:50000 reason=\"a\\nb\"",
        "info conn=c1 authentication refused user=\"a\\nb\" source=10.0.0.1 port=50000 method=publickey reason=\"a\\nb\" "
        "key_id=\"alice\\'s\" serial=5 ca=SHA256:ca",
        "info conn=c1 closed before login source=10.0.0.1:50000 reason=\"a\\nb\""},
       {"close connection=1 reason=a\nb", "close connection=1 reason=a\nb"}},
      {"PenaltyBegun",
       {"warn penalty begins source=10.0.0.1/32 seconds=1 reason=\"crash\""},
       {"penalty source=10.0.0.1/32 reason=crash"}},
      {"RouteFull", {"warn conn=c1 refused route=a\\nb reason=\"max_connections\""}, {}},
      {"GrantLost", {"warn conn=c1 ended after a reload user=CORP\\\\alice reason=\"a\\nb\""}, {}},
      {"ChannelOpened",
       {"debug conn=c1 chan=h2 channel opened type=a\\nb"},
       {"channel connection=1 channel=2 user=CORP\\alice type=a\nb"}},
      {"ChannelOpenRefused",
       {"info conn=c1 channel refused type=a\\nb reason=\"it can't be\""},
       {"refuse connection=1 user=CORP\\alice type=a\nb reason=it can't be"}},
      {"ProgramStarted",
       {"info conn=c1 chan=h2 trunk=t3 program started user=CORP\\alice target=web request=exec command=\"a\\nb\""},
       {"exec connection=1 channel=2 trunk=3 user=CORP\\alice target=web request=exec command=a\nb"}},
      {"ProgramRefused",
       {"info conn=c1 chan=h2 program refused user=CORP\\alice request=exec command=\"a\\nb\" told=\"a\\nb\" reason=\"a\\nb\""},
       {"refuse connection=1 channel=2 trunk=3 user=CORP\\alice request=exec command=a\nb reason=a\nb"}},
      {"ProgramFailed",
       {"warn conn=c1 chan=h2 program could not be started user=CORP\\alice request=exec command=\"a\\nb\" reason=\"a\\nb\""},
       {"refuse connection=1 channel=2 trunk=3 user=CORP\\alice request=exec command=a\nb reason=a\nb"}},
      {"ProgramEnded",
       {"debug conn=c1 chan=h2 trunk=t3 program ended signal=a\\nb"},
       {"exit connection=1 channel=2 trunk=3 user=CORP\\alice signal=a\nb"}},
      {"RequestRefused",
       {"info conn=c1 chan=h2 request refused user=CORP\\alice request=a\\nb reason=\"a\\nb\"",
        "info conn=c1 request refused user=CORP\\alice request=a\\nb reason=\"a\\nb\""},
       {"refuse connection=1 channel=2 user=CORP\\alice request=a\nb reason=a\nb",
        "refuse connection=1 user=CORP\\alice request=a\nb reason=a\nb"}},
      {"ForwardOpened",
       {"info conn=c1 chan=h2 trunk=t3 forwarding user=CORP\\alice target=web type=a\\nb destination=\"a\\nb\""},
       {"forward connection=1 channel=2 trunk=3 user=CORP\\alice type=a\nb destination=a\nb target=web"}},
      {"ForwardRefused",
       {"info conn=c1 chan=h2 forwarding refused user=CORP\\alice type=a\\nb destination=\"a\\nb\" reason=\"a\\nb\""},
       {"refuse connection=1 channel=2 trunk=3 user=CORP\\alice type=a\nb destination=a\nb reason=a\nb"}},
      {"RemoteForwardListening",
       {"info conn=c1 forward=f7 trunk=t3 target listens user=CORP\\alice target=CORP\\\\alice listen=\"a\\nb\""},
       {"forward connection=1 forward=7 trunk=3 user=CORP\\alice action=listen type=tcpip-forward listen=a\nb "
        "target=CORP\\alice"}},
      {"RemoteForwardRefused",
       {"info conn=c1 forward refused user=CORP\\alice request=a\\nb listen=\"a\\nb\" reason=\"a\\nb\""},
       {"refuse connection=1 user=CORP\\alice request=a\nb listen=a\nb reason=a\nb"}},
      {"RemoteForwardEnded",
       {"info conn=c1 forward=f7 trunk=t3 target no longer listens listen=\"a\\nb\" reason=\"a\\nb\""},
       {"forward connection=1 forward=7 trunk=3 user=CORP\\alice action=end type=tcpip-forward listen=a\nb target=CORP\\alice "
        "reason=a\nb"}},
      {"ChannelIdle",
       {"info conn=c1 chan=h2 trunk=t3 session idle for 1000 ms: ending it"},
       {"timeout connection=1 channel=2 trunk=3 user=CORP\\alice kind=session milliseconds=1000"}},
      {"ChannelClosed",
       {"debug conn=c1 chan=h2 trunk=t3 channel closed in=1 out=2 ms=1000"},
       {"close connection=1 channel=2 trunk=3 user=CORP\\alice bytes_in=1 bytes_out=2 milliseconds=1000"}},
      {"ClientViolation",
       {"warn conn=c1 client broke the protocol user=CORP\\alice reason=\"a bad message\""},
       {"refuse connection=1 user=CORP\\alice reason=a bad message"}},
      {"ClientMessageIgnored", {"info conn=c1 message ignored user=CORP\\alice reason=\"a second EOF\" count=10"}, {}},
      {"ConnectionClosed",
       {"info conn=c1 connection closed user=CORP\\alice in=1 out=2 ms=1000 reason=\"a\\nb\""},
       {"close connection=1 user=CORP\\alice reason=a\nb bytes_in=1 bytes_out=2 milliseconds=1000"}},
      {"ClientChannelStep", {"trace conn=c1 number=1 channel open -> eof_sent"}, {}},
      {"SessionStep", {"trace conn=c1 chan=h2 trunk=t3 session collecting -> binding"}, {}},
      {"TrunkWaiting", {"info trunk=t3 waiting for its turn to log in user=CORP\\alice target=web"}, {}},
      {"TrunkConnecting",
       {"info trunk=t3 connecting user=CORP\\alice target=web"},
       {"trunk trunk=3 user=CORP\\alice target=web"}},
      {"TrunkReady", {"info trunk=t3 ready ms=1000"}, {}},
      {"TrunkFailed", {"warn trunk=t3 failed reason=\"a\\nb\""}, {"close trunk=3 reason=a\nb"}},
      {"LoginsPaused",
       {"warn trunk=t3 logins paused user=CORP\\alice target=web ms=1000"},
       {"pause trunk=3 user=CORP\\alice target=web milliseconds=1000"}},
      {"TrunkSilent", {"warn trunk=t3 silent, new channels go elsewhere"}, {}},
      {"TrunkUnquestioned", {"warn trunk=t3 ended over a keepalive, the target gets none from now on"}, {}},
      {"TrunkFull", {"info trunk=t3 target refuses more sessions limit=10"}, {}},
      {"TrunkDraining", {"info trunk=t3 draining reason=\"it's old\""}, {}},
      {"TrunkClosed", {"info trunk=t3 closed reason=\"a\\nb\""}, {"close trunk=3 reason=a\nb"}},
      {"TargetOpenRefused",
       {"warn trunk=t3 channel of the target's refused type=a\\nb reason=\"it's no\""},
       {"refuse trunk=3 type=a\nb reason=it's no"}},
      {"TargetRequestRefused",
       {"warn trunk=t3 request of the target's refused request=a\\nb reason=\"it's no\""},
       {"refuse trunk=3 request=a\nb reason=it's no"}},
      {"TargetViolation", {"warn trunk=t3 target broke the protocol reason=\"a bad message\""}, {}},
      {"TargetMessageIgnored", {"info trunk=t3 message ignored reason=\"a second EOF\" count=1"}, {}},
      {"UpstreamLoginHindered", {"warn upstream login target=web problem=\"a\\nb\""}, {}},
      {"UpstreamLoginAccepted", {"info upstream login target=web login=root user=CORP\\\\alice credential=\"a\\nb\""}, {}},
      {"HostKeysLearnt", {"info host keys learnt target=web added=1 removed=2 file=/known_hosts"}, {}},
      {"HostKeysNotLearnt", {"warn host keys not learnt target=web reason=\"a\\nb\""}, {}},
      {"TrunkChannelStep", {"trace trunk=t3 number=1 channel open -> eof_sent"}, {}},
      {"TrunkStep", {"trace trunk=t3 connecting -> ready"}, {}},
      {"TrunkWishStep",
       {"trace conn=c1 wish for a trunk waiting -> taking user=CORP\\alice target=web",
        "trace conn=none wish for a trunk waiting -> taking user=CORP\\alice target=web"},
       {}},
      {"DaemonStarted", {"info started version=1.2 pid=7 config=/sallyport.toml"}, {}},
      {"Listening", {"info listening address=0.0.0.0:22"}, {}},
      {"HostKeyReady",
       {"info host key generated type=ssh-ed25519 fingerprint=SHA256:key file=/key",
        "info host key loaded type=ssh-ed25519 fingerprint=SHA256:key file=/key"},
       {}},
      {"ConfigReloaded", {"info configuration reloaded file=/sallyport.toml"}, {}},
      {"ReloadFailed", {"error reload failed, the old configuration stays reason=\"a\\nb\""}, {}},
      {"LogsReopened", {"info log files reopened"}, {}},
      {"DrainBegun", {"info draining timeout_ms=1000"}, {}},
      {"EndBegun", {"info ending connections=3"}, {}},
      {"DaemonEnded", {"info ended"}, {}},
      {"ConnectionKilled", {"info conn=c1 ended through the control socket uid=1000 pid=77 reason=\"a\\nb\""}, {}},
      {"ChannelKilled", {"info chan=h2 ended through the control socket uid=1000 pid=77 reason=\"a\\nb\""}, {}},
      {"UserKilled",
       {"info user=a\\nb connections ended through the control socket count=2 uid=1000 pid=77 reason=\"a\\nb\""},
       {}},
      {"TrunksChanged",
       {"info trunks stopped through the control socket target=a\\nb user=CORP\\\\alice count=2 uid=1000 pid=77"},
       {}},
      {"PenaltiesLifted", {"info penalties lifted through the control socket source=a\\nb count=2 uid=1000 pid=77"}, {}},
      {"ScanAsked", {"info scan of host keys through the control socket target=a\\nb uid=1000 pid=77"}, {}},
      {"ReloadAsked", {"info reload asked for through the control socket uid=1000 pid=77"}, {}},
      {"DrainAsked", {"info drain asked for through the control socket uid=1000 pid=77"}, {}},
  };
  return kShown;
}

}  // namespace
}  // namespace sallyport::journal

// How logins begin and end: what is written, what the owner is told, and what is given back.
#include "entrance.hpp"

namespace sallyport::entry {
namespace {

TEST_F(LoginTest, SaysWhoHasCome) {
  begin();
  EXPECT_EQ(line_with("accepted"), "conn=c1 accepted source=192.0.2.1:50000");
  EXPECT_EQ(audit.lines.back(), "connect connection=1 source=192.0.2.1 port=50000");
  EXPECT_EQ(number(check().claimant.connection), 1U);
}

TEST_F(LoginTest, AClientOfAChannelHasItsTargetFromThere) {
  InnerClient inner;
  inner.outer = ConnectionId{9};
  inner.asked_target = "web1";
  begin({ConnectionId{1}, {"192.0.2.1", 50000}, {}, inner, "192.0.2.1/32"});
  EXPECT_EQ(line_with("accepted"), "conn=c1 accepted source=192.0.2.1:50000 outer=c9 target=web1");
  EXPECT_EQ(audit.lines.back(), "connect connection=1 source=192.0.2.1 port=50000 outer=9 target=web1");
  pass("publickey");
  check().open();
  client().log_in();
  EXPECT_EQ(admitted()->asked_target, "web1");
  EXPECT_EQ(admitted()->outer, ConnectionId{9});
}

TEST_F(LoginTest, TheTargetOfTheLoginNameWins) {
  begin();
  client().request(signed_by("good", "alice" + config->server.login_separator + "shell"));
  EXPECT_THAT(check().take(), ElementsAre("key alice good"));
  check().grant();
  check().open();
  client().log_in();
  EXPECT_EQ(admitted()->asked_target, "shell");
  EXPECT_EQ(admitted()->user, "alice");
  EXPECT_EQ(admitted()->local.address, "192.0.2.9");
}

TEST_F(LoginTest, WhoHasNoRouteIsLetInAndToldLater) {
  begin();
  client().request(signed_by("good", "mallory"));
  check().grant();
  check().open();
  client().log_in();
  ASSERT_NE(admitted(), nullptr);
  EXPECT_FALSE(admitted()->decision);
  EXPECT_FALSE(admitted()->refusal.empty());
}

TEST_F(LoginTest, TheMachinesSessionGoesWithTheClient) {
  begin();
  pass("publickey");
  const auto session = std::make_shared<int>(0);
  check().open(session);
  client().log_in();
  EXPECT_EQ(session.use_count(), 2);
  client().peer.close();
  clock.advance(seconds(60));
  EXPECT_EQ(session.use_count(), 1);
}

TEST_F(LoginTest, AnAccountThatMayNotLogInIsRefused) {
  begin();
  pass("publickey");
  client().take();
  check().events->on_session(fail(Errc::denied, "account expired"));
  EXPECT_THAT(client().take(), ElementsAre("disconnect 11 This account may not log in now"));
  EXPECT_EQ(
      line_with("authentication refused"),
      "conn=c1 authentication refused user=\"alice\" source=192.0.2.1 port=50000 method=publickey reason=\"account expired\"");
  EXPECT_FALSE(log.has("unavailable"));
  EXPECT_FALSE(log.has("authenticated"));
}

TEST_F(LoginTest, ASessionThatNobodyCouldOpenIsRefusedToo) {
  begin();
  pass("publickey");
  client().take();
  check().events->on_session(fail(Errc::unavailable, "the helper has ended"));
  EXPECT_THAT(client().take(), ElementsAre("disconnect 11 Logins of this kind are not possible now"));
  EXPECT_EQ(line_with("unavailable"), "conn=c1 session unavailable reason=\"the helper has ended\"");
}

TEST_F(LoginTest, UsersHaveSoManyPlaces) {
  Config one = entrance_config();
  one.limits.max_connections_per_user = 1;
  reload(one);
  begin();
  pass("publickey");
  check().open();
  client().log_in();
  MemoryPeer& first = client().peer;

  begin({ConnectionId{2}, {"192.0.2.1", 50001}, {}, {}, "192.0.2.1/32"});
  pass("publickey");
  EXPECT_EQ(client().take().back(), "disconnect 12 too many connections of this user: max_connections_per_user");
  EXPECT_EQ(
      line_with("login refused"),
      "conn=c2 login refused user=\"alice\" source=192.0.2.1 port=50001 method=publickey reason=\"too many connections of this "
      "user: max_connections_per_user\"");
  EXPECT_FALSE(log.has("authentication refused"));
  client().fail(Errc::closed, "disconnected");
  EXPECT_EQ(ends.back(), "none");  // no offence of the client's

  first.close();
  clock.advance(seconds(60));
  begin({ConnectionId{3}, {"192.0.2.1", 50002}, {}, {}, "192.0.2.1/32"});
  pass("publickey");
  EXPECT_EQ(check().take().back(), "session alice");
}

TEST_F(LoginTest, ALoginThatFailsGivesItsPlacesBackAtOnce) {
  auth::SlotCounter counter;
  begin({ConnectionId{1}, {"192.0.2.1", 50000}, {}, {}, "192.0.2.1/32", counter.take("192.0.2.1/32")});
  pass("publickey");
  EXPECT_EQ(counter.count("192.0.2.1/32"), 1U);
  client().fail(Errc::closed, "closed by peer");
  EXPECT_EQ(counter.count("192.0.2.1/32"), 0U);
  Config one = entrance_config();
  one.limits.max_connections_per_user = 1;
  reload(one);
  EXPECT_TRUE(admitter.place_of("alice"));
}

TEST_F(LoginTest, AClientsPlaceGoesAlongWithIt) {
  auth::SlotCounter counter;
  begin({ConnectionId{1}, {"192.0.2.1", 50000}, {}, {}, "192.0.2.1/32", counter.take("192.0.2.1/32")});
  pass("publickey");
  check().open();
  client().log_in();
  login.reset();
  EXPECT_EQ(counter.count("192.0.2.1/32"), 1U);
  client().peer.close();
  clock.advance(seconds(60));
  EXPECT_EQ(counter.count("192.0.2.1/32"), 0U);
}

TEST_F(LoginTest, BehindTheEndNothingHappens) {
  reload(entrance_config({"password"}));
  begin();
  client().request(password_of("wrong"));
  check().refuse("wrong password");
  client().fail(Errc::closed, "closed by peer");
  EXPECT_EQ(check().events, nullptr);
  client().take();
  clock.advance(seconds(10));
  EXPECT_THAT(client().take(), IsEmpty());
  EXPECT_EQ(ends.size(), 1U);
}

TEST_F(LoginTest, KnowsWhatPuzzlesAClient) {
  begin();
  client().info.peer_identification = "SSH-2.0-OpenSSH_9.2";
  client().info.host_key = "ssh-ed25519";
  pass("publickey");
  check().open();
  client().log_in();
  EXPECT_EQ(admitted()->host_key_algorithm, "ssh-ed25519");
  EXPECT_THAT(line_with("negotiated"), HasSubstr("peer=SSH-2.0-OpenSSH_9.2"));
}

struct End {
  const char* name;
  Errc code;
  bool refused;  ///< an attempt has been
  const char* offence;
};

class LoginEndTest : public ::testing::WithParamInterface<End>, public LoginTest {};

TEST_P(LoginEndTest, IsAnOffence) {
  begin();
  if (GetParam().refused) {
    client().request(signed_by("bad"));
    check().refuse_key("not in the user's keys");
  }
  client().fail(GetParam().code, "the end");
  EXPECT_THAT(ends, ElementsAre(GetParam().offence));
  EXPECT_THAT(line_with("closed before login"), HasSubstr("reason=\"the end\""));
}

INSTANTIATE_TEST_SUITE_P(Ends, LoginEndTest,
                         ::testing::Values(End{"GraceTime", Errc::timeout, false, "login grace time exceeded"},
                                           End{"GraceTimeAfterARefusal", Errc::timeout, true, "login grace time exceeded"},
                                           End{"NoSsh", Errc::protocol, false, "broken protocol"},
                                           End{"TooMuch", Errc::limit, false, "broken protocol"},
                                           End{"TooManyTries", Errc::denied, true, "failed authentication"},
                                           End{"Went", Errc::closed, false, "no authentication"},
                                           End{"WentAfterARefusal", Errc::closed, true, "failed authentication"},
                                           End{"NothingInCommon", Errc::unavailable, false, "no authentication"}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace sallyport::entry

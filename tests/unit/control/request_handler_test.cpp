#include "control/request_handler.hpp"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fake_daemon.hpp"
#include "fakes/memory_logger.hpp"
#include "journal/fact_journal.hpp"
#include "journal/log_and_trail.hpp"

namespace sallyport::control {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kTimeOfDay = std::chrono::sys_days{std::chrono::year{2026} / 5 / 6} + std::chrono::hours(1);

class RequestHandlerTest : public testing::Test {
 protected:
  /// The one response; fails when there is none yet, or more than one.
  std::string ask(std::string_view line) {
    std::optional<std::string> response;
    handler_.handle(line, {1000, 77}, [&](std::string text) {
      EXPECT_FALSE(response) << "a second response";
      response = std::move(text);
    });
    EXPECT_TRUE(response) << line;
    return response.value_or("");
  }
  json result(std::string_view line) {
    const json parsed = json::parse(ask(line));
    EXPECT_EQ(parsed.at("ok"), true);
    return parsed.value("result", json());
  }
  std::string error(std::string_view line) {
    const json parsed = json::parse(ask(line));
    EXPECT_EQ(parsed.at("ok"), false) << line;
    return parsed.value("error", "");
  }

  FakeDaemon daemon_;
  StoppedClock clock_;
  fakes::MemoryLogger log_;
  NoAuditTrail audit_;
  log::Records records_{log_, audit_, clock_};
  journal::LogAndTrail log_and_trail_{records_};
  journal::FactJournal journal_{{&log_and_trail_}};
  RequestHandler handler_{daemon_, daemon_, clock_, journal_, [] { return kTimeOfDay; }};
};

TEST_F(RequestHandlerTest, RefusesWhatIsNoRequest) {
  for (const char* line : {"", " ", "status", "[]", "1", "null", "{", "{\"verb\":\"status\"} x", "\xff\xfe", "\"verb\""}) {
    EXPECT_THAT(error(line), HasSubstr("one JSON object")) << line;
  }
  EXPECT_THAT(error("{}"), HasSubstr("string \"verb\""));
  EXPECT_THAT(error(R"({"verb":7})"), HasSubstr("string \"verb\""));
  EXPECT_EQ(error(R"({"verb":"forward"})"), "unknown verb \"forward\"");
  EXPECT_EQ(error(R"({"verb":"\u001b[2J"})"), "unknown verb \"\\x1b[2J\"");
  EXPECT_EQ(error(R"({"verb":"status","x":"y"})"), "status has no member \"x\"");
  EXPECT_EQ(error(R"({"verb":"status","":"y"})"), "status has no member \"\"");
  EXPECT_EQ(error(R"({"verb":"kill"})"), "kill needs either \"id\" or \"user\"");
  EXPECT_EQ(error(R"({"verb":"kill","id":"c1","user":"alice"})"), "kill needs either \"id\" or \"user\"");
  EXPECT_EQ(error(R"({"verb":"explain"})"), "explain needs \"query\"");
  EXPECT_EQ(error(R"({"verb":"kill","id":1})"), "\"id\" is not a string");
}

TEST_F(RequestHandlerTest, SurvivesDeepNesting) {
  const std::string deep = "{\"verb\":" + std::string(30000, '[') + std::string(30000, ']') + "}";
  EXPECT_THAT(error(deep), HasSubstr("string \"verb\""));
  EXPECT_THAT(error(std::string(60000, '[')), HasSubstr("one JSON object"));
}

TEST_F(RequestHandlerTest, ListsConnections) {
  ConnectionRow row;
  row.id = ConnectionId{7};
  row.user = "alice\x1b";
  row.source = "10.0.0.7:50022";
  row.target = "web1";
  row.route = "web servers";
  row.method = "publickey";
  row.key_fingerprint = "SHA256:abc";
  row.certificate = CertificateIdentity{{"alice@work", "SHA256:def"}, 7};
  row.since = clock_.now() - std::chrono::milliseconds(90500);
  row.channels = 2;
  row.bytes = {10, 20};
  daemon_.connections_.push_back(row);
  EXPECT_EQ(ask(R"({"verb":"connections"})"),
            R"({"ok":true,"result":[{"id":"c7","user":"alice\u001b","source":"10.0.0.7:50022","target":"web1",)"
            R"("route":"web servers","method":"publickey","key_fingerprint":"SHA256:abc",)"
            R"("certificate":{"key_id":"alice@work","serial":7,"ca":"SHA256:def"},"channels":2,)"
            R"("bytes_in":10,"bytes_out":20,"since":"2026-05-06T00:58:29.500Z","age_seconds":90}]})");
}

TEST_F(RequestHandlerTest, ListsChannels) {
  ChannelRow row;
  row.id = ChannelId{4};
  row.connection = ConnectionId{7};
  row.trunk = TrunkId{2};
  row.request = "exec";
  row.command = "echo \xff" + std::string(5000, 'x');
  daemon_.channels_.push_back(row);
  row.trunk.reset();
  daemon_.channels_.push_back(row);
  const json rows = result(R"({"verb":"channels"})");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("id"), "h4");
  EXPECT_EQ(rows[0].at("connection"), "c7");
  EXPECT_EQ(rows[0].at("trunk"), "t2");
  EXPECT_TRUE(rows[1].at("trunk").is_null());
  EXPECT_LT(rows[0].at("command").get<std::string>().size(), 1100U);
}

TEST_F(RequestHandlerTest, ChangesTrunksOfATargetAndPerhapsAUser) {
  EXPECT_EQ(result(R"({"verb":"stop","target":"web1"})").at("stopped"), 2);
  EXPECT_EQ(result(R"({"verb":"exit","target":"web1","user":"alice"})").at("ended"), 2);
  EXPECT_EQ(result(R"({"verb":"renew","target":"web1","user":""})").at("renewed"), 2);
  EXPECT_THAT(daemon_.ended_, ElementsAre("stop web1/ stopped by the administrator", "end web1/alice ended by the administrator",
                                          "renew web1/ renewed by the administrator"));
  EXPECT_TRUE(log_.has("trunks ended through the control socket target=web1 user=alice count=2 uid=1000"));
}

TEST_F(RequestHandlerTest, SaysWhenThereIsNoTrunk) {
  for (const std::string verb : {"stop", "exit", "renew"}) {
    EXPECT_EQ(error("{\"verb\":\"" + verb + R"(","target":"web9"})"), "no trunk to target \"web9\"");
    EXPECT_EQ(error("{\"verb\":\"" + verb + R"(","target":"web9","user":"\u001bx"})"),
              "no trunk to target \"web9\" of user \"\\x1bx\"");
    EXPECT_EQ(error("{\"verb\":\"" + verb + "\"}"), verb + " needs \"target\"");
    EXPECT_EQ(error("{\"verb\":\"" + verb + R"(","target":"web1","id":"t1"})"), verb + " has no member \"id\"");
  }
}

TEST_F(RequestHandlerTest, ChecksATarget) {
  TrunkCheck trunk;
  trunk.row.id = TrunkId{3};
  daemon_.check_.trunks.push_back(trunk);  // still connecting
  EXPECT_EQ(result(R"({"verb":"check","target":"web1"})").at("healthy"), false);
  trunk.asked = true;
  trunk.round_trip = Duration(12);
  daemon_.check_.trunks.push_back(trunk);
  json found = result(R"({"verb":"check","target":"web1"})");
  EXPECT_EQ(found.at("healthy"), true);
  EXPECT_TRUE(found.at("trunks")[0].at("answers").is_null());
  EXPECT_EQ(found.at("trunks")[1].at("round_trip_ms"), 12);
  trunk.round_trip.reset();
  daemon_.check_.trunks.push_back(trunk);
  daemon_.check_.pauses.push_back({"alice", "web1", Duration(1500), "told"});
  found = result(R"({"verb":"check","target":"web1","user":""})");
  EXPECT_EQ(found.at("healthy"), false);
  EXPECT_EQ(found.at("pauses"), json::parse(R"([{"user":"alice","seconds":2,"reason":"told"}])"));
  EXPECT_EQ(error(R"({"verb":"check","target":"web9"})"), "no trunk to target \"web9\"");
}

TEST_F(RequestHandlerTest, ListsTrunks) {
  TrunkRow row;
  row.id = TrunkId{2};
  row.state = TrunkState::draining;
  row.channels = 3;
  row.channel_limit = 10;
  daemon_.trunks_.push_back(row);
  row.idle_since = clock_.now() - std::chrono::seconds(5);
  daemon_.trunks_.push_back(row);
  const json rows = result(R"({"verb":"trunks"})");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("state"), "draining");
  EXPECT_EQ(rows[0].at("channels"), 3);
  EXPECT_EQ(rows[0].at("channel_limit"), 10);
  EXPECT_TRUE(rows[0].at("idle_seconds").is_null());
  EXPECT_EQ(rows[1].at("idle_seconds"), 5);
}

TEST_F(RequestHandlerTest, ListsForwards) {
  ForwardRow row;
  row.id = ForwardId{3};
  row.connection = ConnectionId{7};
  row.trunk = TrunkId{2};
  row.listen = "localhost:8080";
  row.state = "listening";
  row.connections = 4;
  daemon_.forwards_.push_back(row);
  row.trunk.reset();
  daemon_.forwards_.push_back(row);
  const json rows = result(R"({"verb":"forwards"})");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("id"), "f3");
  EXPECT_EQ(rows[0].at("connection"), "c7");
  EXPECT_EQ(rows[0].at("trunk"), "t2");
  EXPECT_EQ(rows[0].at("listen"), "localhost:8080");
  EXPECT_EQ(rows[0].at("state"), "listening");
  EXPECT_EQ(rows[0].at("connections"), 4);
  EXPECT_TRUE(rows[1].at("trunk").is_null());
}

TEST_F(RequestHandlerTest, TellsTheStatus) {
  daemon_.status_.version = "1.2.3";
  daemon_.status_.pid = 99;
  daemon_.status_.started = clock_.now() - std::chrono::seconds(60);
  daemon_.status_.listening = {"127.0.0.1:2222"};
  daemon_.connections_.resize(3);
  const json status = result(R"({"verb":"status"})");
  EXPECT_EQ(status.at("version"), "1.2.3");
  EXPECT_EQ(status.at("pid"), 99);
  EXPECT_EQ(status.at("age_seconds"), 60);
  EXPECT_EQ(status.at("connections"), 3);
  EXPECT_EQ(status.at("draining"), false);
  EXPECT_EQ(status.at("listening").at(0), "127.0.0.1:2222");
}

TEST_F(RequestHandlerTest, CountsForTheStatusWithoutARow) {
  daemon_.connections_.resize(3);
  daemon_.channels_.resize(4);
  daemon_.trunks_.resize(5);
  const json status = result(R"({"verb":"status"})");
  EXPECT_EQ(status.at("connections"), 3);
  EXPECT_EQ(status.at("channels"), 4);
  EXPECT_EQ(status.at("trunks"), 5);
  EXPECT_EQ(daemon_.listed_, 0);
}

TEST_F(RequestHandlerTest, AnswersLaterWhenTheAnswerComesLater) {
  daemon_.answers_later_ = true;
  std::vector<std::string> responses;
  {
    RequestHandler handler{daemon_, daemon_, clock_, journal_, [] { return kTimeOfDay; }};
    for (const char* line :
         {R"({"verb":"status"})", R"({"verb":"connections"})", R"({"verb":"channels"})", R"({"verb":"trunks"})",
          R"({"verb":"forwards"})", R"({"verb":"kill","id":"c7"})", R"({"verb":"kill","id":"h700"})",
          R"({"verb":"kill","user":"alice"})", R"({"verb":"stop","target":"web1"})", R"({"verb":"check","target":"web9"})"})
      handler.handle(line, {1000, 77}, [&](std::string text) { responses.push_back(std::move(text)); });
  }
  EXPECT_THAT(responses, IsEmpty());
  EXPECT_FALSE(log_.has("through the control socket")) << "nothing has been done yet, as far as is known";
  daemon_.answer_now();
  ASSERT_EQ(responses.size(), 10U) << "one each, though the handler has gone";
  EXPECT_THAT(responses[0], HasSubstr(R"("connections":0)"));
  for (std::size_t i = 1; i <= 4; ++i) EXPECT_EQ(responses[i], R"({"ok":true,"result":[]})");
  EXPECT_EQ(responses[5], R"({"ok":true,"result":{"ended":"c7"}})");
  EXPECT_EQ(responses[6], R"({"ok":false,"error":"no channel h700"})");
  EXPECT_EQ(responses[7], R"({"ok":false,"error":"no connection of user \"alice\""})");
  EXPECT_EQ(responses[8], R"({"ok":true,"result":{"stopped":2}})");
  EXPECT_EQ(responses[9], R"({"ok":false,"error":"no trunk to target \"web9\""})");
  EXPECT_TRUE(log_.has("conn=c7 ended through the control socket uid=1000 pid=77"));
}

TEST_F(RequestHandlerTest, KillsConnectionsAndChannels) {
  EXPECT_EQ(result(R"({"verb":"kill","id":"c12"})").at("ended"), "c12");
  EXPECT_EQ(result(R"({"verb":"kill","id":"h3","reason":"lunch\n"})").at("ended"), "h3");
  EXPECT_THAT(daemon_.ended_, ElementsAre("c12 ended by the administrator", "h3 lunch\\n"));
  EXPECT_TRUE(log_.has(R"(chan=h3 ended through the control socket uid=1000 pid=77 reason="lunch\n")")) << "escaped once";
  EXPECT_TRUE(log_.has("conn=c12 ended through the control socket uid=1000 pid=77"));
  EXPECT_EQ(error(R"({"verb":"kill","id":"c100"})"), "no connection c100");
  EXPECT_EQ(error(R"({"verb":"kill","id":"h100"})"), "no channel h100");
}

TEST_F(RequestHandlerTest, KillsAllConnectionsOfAUser) {
  for (const auto& [id, user] : {std::pair{1, "alice"}, {2, "alice2"}, {3, "alice"}, {100, "alice"}}) {
    ConnectionRow row;
    row.id = ConnectionId{static_cast<std::uint64_t>(id)};
    row.user = user;
    daemon_.connections_.push_back(row);
  }
  EXPECT_EQ(result(R"({"verb":"kill","user":"alice","reason":"gone"})").at("ended"), 2) << "c100 has gone meanwhile";
  EXPECT_THAT(daemon_.ended_, ElementsAre("c1 gone", "c3 gone"));
  EXPECT_TRUE(log_.has("user=alice connections ended through the control socket count=2 uid=1000 pid=77 reason=\"gone\""));
  EXPECT_EQ(error(R"({"verb":"kill","user":"ali"})"), "no connection of user \"ali\"");
  EXPECT_EQ(error(R"({"verb":"kill","user":""})"), "no connection of user \"\"");
}

TEST_F(RequestHandlerTest, KillTakesNoOtherSpellingOfAnId) {
  for (const char* id : {"", "c", "7", "t1", "c01", "c-1", "c+1", "c 1", "c1 ", "C1", "c99999999999999999999999", "c1x"}) {
    EXPECT_THAT(error(R"({"verb":"kill","id":")" + std::string(id) + "\"}"), HasSubstr("kill takes the id")) << id;
  }
  EXPECT_TRUE(daemon_.ended_.empty());
}

TEST_F(RequestHandlerTest, AnswersAReloadWhenItIsDone) {
  std::vector<std::string> responses;
  handler_.handle(R"({"verb":"reload"})", {}, [&](std::string text) { responses.push_back(std::move(text)); });
  EXPECT_TRUE(responses.empty());
  daemon_.reloading_({});
  EXPECT_THAT(responses, ElementsAre(R"({"ok":true,"result":{"reloaded":true}})"));
  handler_.handle(R"({"verb":"reload"})", {}, [&](std::string text) { responses.push_back(std::move(text)); });
  daemon_.reloading_(fail(Errc::config, "sallyport.toml:3:1: unknown key"));
  EXPECT_EQ(responses.back(), R"({"ok":false,"error":"sallyport.toml:3:1: unknown key"})");
}

TEST_F(RequestHandlerTest, Drains) {
  EXPECT_EQ(result(R"({"verb":"drain"})").at("draining"), true);
  EXPECT_TRUE(daemon_.draining_);
}

TEST_F(RequestHandlerTest, Explains) {
  const json answer = result(R"({"verb":"explain","query":"user=alice"})");
  EXPECT_EQ(answer.at("text"), "route: web\nasked: user=alice\n");
  EXPECT_EQ(answer.at("explanation").at("route"), "web");
  EXPECT_EQ(error(R"({"verb":"explain","query":"bad"})"), "no user= in the query");
}

}  // namespace
}  // namespace sallyport::control

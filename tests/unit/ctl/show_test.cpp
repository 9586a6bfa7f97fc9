#include "ctl/show.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::ctl {
namespace {

using testing::HasSubstr;

std::string shown(std::string_view verb, std::string_view response, bool json = false) {
  const auto text = show(verb, response, json);
  EXPECT_TRUE(text) << text.error().detail;
  return text ? *text : "";
}

TEST(RequestLineTest, IsOneLineOfJson) {
  EXPECT_EQ(request_line("status"), R"({"verb":"status"})");
  EXPECT_EQ(request_line("kill", {{"id", "c1\n\"\xff"}}), R"({"verb":"kill","id":"c1\n\"\ufffd"})");
}

TEST(ShowTest, MakesATableOfConnections) {
  EXPECT_EQ(shown("connections", R"({"ok":true,"result":[{"id":"c1","user":"alice\u001b[m","source":"10.0.0.1:5",
              "target":"web1","route":"","channels":2,"bytes_in":2048,"bytes_out":3,"age_seconds":61,"certificate":null},
              {"id":"c2","user":"bob","source":"10.0.0.2:5","target":"web1","route":"","channels":0,"bytes_in":0,"bytes_out":0,
              "age_seconds":1,"certificate":{"key_id":"bob@work","serial":7,"ca":"SHA256:abc"}}]})"),
            "ID  USER         FROM        TARGET  ROUTE  CHANNELS    IN  OUT    AGE  CERTIFICATE\n"
            "c1  alice\\x1b[m  10.0.0.1:5  web1    -             2  2.0K    3  1m01s  -\n"
            "c2  bob          10.0.0.2:5  web1    -             0     0    0     1s  bob@work\n");
}

TEST(ShowTest, MakesATableOfChannels) {
  const std::string text = shown("channels", R"({"ok":true,"result":[
      {"id":"h1","connection":"c1","trunk":"t1","user":"a","target":"web","type":"session","request":"exec","command":"ls -l","state":"open","age_seconds":1},
      {"id":"h2","connection":"c1","trunk":null,"user":"a","target":"shell","type":"session","request":"shell","command":"","state":"open","age_seconds":1},
      {"id":"h3","connection":"c1","trunk":null,"user":"a","target":"","type":"session","request":"","command":"","state":"opening","age_seconds":1}]})");
  EXPECT_THAT(text, HasSubstr("h1  c1    t1     a     web     exec"));
  EXPECT_THAT(text, HasSubstr("ls -l\n"));
  EXPECT_THAT(text, HasSubstr("h2  c1    local  a     shell   shell"));
  EXPECT_THAT(text, HasSubstr("h3  c1    -      a     -       session"));
}

TEST(ShowTest, MakesATableOfTrunks) {
  const std::string text = shown("trunks", R"({"ok":true,"result":[{"id":"t1","user":"a","target":"web",
      "address":"10.0.0.5:22","upstream_user":"root","state":"ready","channels":1,"channel_limit":10,"connections":3,
      "idle_seconds":null,"bytes_in":0,"bytes_out":0,"age_seconds":5}]})");
  EXPECT_THAT(text, HasSubstr("root@10.0.0.5:22"));
  EXPECT_THAT(text, HasSubstr("1/10"));
}

TEST(ShowTest, TellsWhatBecameOfTrunks) {
  EXPECT_EQ(shown("stop", R"({"ok":true,"result":{"stopped":1}})"), "1 trunk stopped: no new channels, the old ones finish\n");
  EXPECT_EQ(shown("exit", R"({"ok":true,"result":{"ended":2}})"), "2 trunks ended\n");
  EXPECT_EQ(shown("renew", R"({"ok":true,"result":{"renewed":1}})"), "renewed: the next channel gets a fresh login\n");
}

TEST(ShowTest, MakesATableOfForwards) {
  const std::string text = shown("forwards", R"({"ok":true,"result":[{"id":"f1","connection":"c1","trunk":"t1",
      "user":"a","target":"web","listen":"localhost:8080","state":"listening","connections":4,"age_seconds":5}]})");
  EXPECT_THAT(text, HasSubstr("f1  c1    t1   a     web     listening"));
  EXPECT_THAT(text, HasSubstr("localhost:8080\n"));
}

TEST(ShowTest, TellsWhatACheckHasShown) {
  constexpr std::string_view sick = R"({"ok":true,"result":{"healthy":false,"trunks":[
      {"id":"t1","user":"a","state":"ready","channels":1,"channel_limit":10,"answers":true,"round_trip_ms":3,"age_seconds":5},
      {"id":"t2","user":"a","state":"ready","channels":0,"channel_limit":10,"answers":false,"round_trip_ms":null,"age_seconds":5},
      {"id":"t3","user":"a","state":"connecting","channels":0,"channel_limit":10,"answers":null,"round_trip_ms":null,"age_seconds":5}],
      "pauses":[{"user":"b\u001b","seconds":4,"reason":"refused"}]}})";
  EXPECT_EQ(shown("check", sick),
            "ID  USER  STATE       CHANNELS     ANSWER  AGE\n"
            "t1  a     ready           1/10       3 ms   5s\n"
            "t2  a     ready           0/10  no answer   5s\n"
            "t3  a     connecting      0/10          -   5s\n"
            "logins of b\\x1b are paused for 4 s: refused\n");
  EXPECT_TRUE(tells_of_trouble("check", sick));
  EXPECT_FALSE(tells_of_trouble("check", R"({"ok":true,"result":{"healthy":true}})"));
  EXPECT_TRUE(tells_of_trouble("check", "nonsense"));
  EXPECT_FALSE(tells_of_trouble("status", sick));
}

TEST(ShowTest, TellsTheStatus) {
  const std::string text = shown("status", R"({"ok":true,"result":{"version":"1.0","pid":7,"age_seconds":3600,
      "listening":["127.0.0.1:2222","[::1]:2222"],"config_file":"/etc/x.toml","config_loaded":"2026","draining":true,
      "connections":1,"channels":2,"trunks":3,"connections_accepted":4,"logins_failed":5}})");
  EXPECT_THAT(text, HasSubstr("sallyportd 1.0 is draining, process 7, up 1h00m\n"));
  EXPECT_THAT(text, HasSubstr("127.0.0.1:2222, [::1]:2222\n"));
  EXPECT_THAT(text, HasSubstr("1 open, 4 accepted, 5 failed logins\n"));
}

TEST(ShowTest, PrintsJsonThatIsSafeForATerminal) {
  const std::string text = shown("connections", "{\"ok\":true,\"result\":[{\"user\":\"\xc2\x9b\xe2\x80\xae\"}]}", true);
  EXPECT_THAT(text, HasSubstr("\\u009b\\u202e"));
}

TEST(ShowTest, PrintsTheExplanation) {
  constexpr std::string_view kResponse =
      R"({"ok":true,"result":{"text":"route: \"web\"\n\u001b\n","explanation":{"route":"web"}}})";
  EXPECT_EQ(shown("explain", kResponse), "route: \"web\"\n\\x1b\n");
  EXPECT_EQ(shown("explain", kResponse, true), "{\n  \"route\": \"web\"\n}\n");
}

TEST(ShowTest, PassesTheDaemonsErrorOn) {
  const auto text = show("kill", R"({"ok":false,"error":"no connection \u001bc1"})", false);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().detail, "no connection \\x1bc1");
}

TEST(ShowTest, SurvivesNonsense) {
  for (const char* verb : {"status", "connections", "channels", "trunks", "forwards", "kill", "reload", "drain", "explain"}) {
    for (const char* response : {"", "x", "[]", "{}", R"({"ok":1})", R"({"ok":true})", R"({"ok":true,"result":7})",
                                 R"({"ok":false})", R"({"ok":false,"error":[]})"}) {
      EXPECT_FALSE(show(verb, response, false)) << verb << ' ' << response;
    }
    static_cast<void>(show(verb, R"({"ok":true,"result":[7]})", false));
    static_cast<void>(show(verb, R"({"ok":true,"result":[{"id":{},"channels":-1,"age_seconds":"x"}]})", false));
    static_cast<void>(show(verb, R"({"ok":true,"result":{"listening":[7],"pid":[],"text":7}})", false));
  }
}

}  // namespace
}  // namespace sallyport::ctl

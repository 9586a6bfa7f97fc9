#include <sallyport/task.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport {
namespace {

using ::testing::ElementsAre;

TEST(TaskTest, TakesAlongWhatCantBeCopied) {
  int seen = 0;
  Task task = [&seen, number = std::make_unique<int>(7)] { seen = *number; };
  Task moved = std::move(task);
  EXPECT_EQ(seen, 0);
  moved();
  EXPECT_EQ(seen, 7);
}

TEST(TaskTest, FreesWhatItHasTakenAlongThoughItIsNeverCalled) {
  const auto thing = std::make_shared<int>(7);
  {
    const Task task = [thing] {};
    EXPECT_EQ(thing.use_count(), 2);
  }
  EXPECT_EQ(thing.use_count(), 1);
}

class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_text(std::string_view text) { heard.emplace_back(text); }
  void on_bytes(ByteView bytes) { heard.emplace_back(text_of(bytes)); }
  void on_thing(std::unique_ptr<std::string> thing, const std::string& more) { heard.push_back(*thing + more); }
  std::vector<std::string> heard;
};

class LoudListener final : public Listener {
 public:
  void on_text(std::string_view text) override { heard.push_back(std::string(text) + "!"); }
};

TEST(CallLaterTest, KeepsWhatViewsShowAndWhatCantBeCopied) {
  std::string text = "text";
  Bytes bytes{'b', 'y'};
  auto tell_text = call_later(&Listener::on_text, std::string_view(text));
  auto tell_bytes = call_later(&Listener::on_bytes, ByteView(bytes));
  auto tell_thing = call_later(&Listener::on_thing, std::make_unique<std::string>("thing"), text);
  text = "gone";
  bytes = {'x', 'x'};
  Listener listener;
  tell_text(listener);
  tell_bytes(listener);
  tell_thing(listener);
  EXPECT_THAT(listener.heard, ElementsAre("text", "by", "thingtext"));
}

TEST(CallLaterTest, CallsWhatTheObjectHasMadeOfTheFunction) {
  LoudListener listener;
  auto tell = call_later(&Listener::on_text, "text");
  tell(listener);
  EXPECT_THAT(listener.heard, ElementsAre("text!"));
}

}  // namespace
}  // namespace sallyport

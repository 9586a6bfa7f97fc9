// Calls between two threads over an object that lives on one of them. Both are one here: what may cross does so in each turn.
#include "ssh/transport/away.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "ssh_fixture.hpp"

namespace sallyport::ssh::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Lines = std::vector<std::string>;

class Told {
 public:
  void on_failed(const Error& why) { lines.push_back("failed: " + why.detail); }
  Lines lines;
};

/// What is away. It writes down what it is called for.
class Worker {
 public:
  explicit Worker(Lines& lines) : lines_(lines) {}
  ~Worker() { lines_.emplace_back("gone"); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void note(std::string_view text) { lines_.emplace_back(text); }
  void take(std::unique_ptr<int> number) { lines_.push_back(std::to_string(*number)); }
  void blunder() { throw std::runtime_error("a mistake"); }

 private:
  Lines& lines_;
};

class Shared final : public Away<Worker, Told> {
 public:
  Shared(LoopIo& io, Told& told) : Away(io, io, told) {}
  using Away::at_home;
  using Away::begin;

  /// As the worker's request, heard at home with this call.
  void ask() { asked.hear(asked.ask()); }
  Numbering asked;

 private:
  void fail(const Error& why) override {
    end();
    post(home_, [this, why] { events_.end(&Told::on_failed, why); });
  }
};

class AwayTest : public SshTest {
 protected:
  AwayTest() {
    loop_.on_exception([this](const Error&) { ++exceptions_; });
    shared_->begin([this] { return std::make_unique<Worker>(done_); });
  }
  void TearDown() override {
    shared_->leave();
    turn();
    SshTest::TearDown();
  }
  /// Until all that is under way has come to its end: a call, what it makes home do, and away once more.
  void turn() {
    for (int i = 0; i < 4; ++i) {
      bool done = false;
      loop_.post([&done] { done = true; });
      while (!done) loop_.run_once();
    }
  }

  Lines done_;
  Told told_;
  int exceptions_ = 0;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>(*io_, told_);
};

TEST_F(AwayTest, CallsComeLaterInTheirOrderWithWhatTheyWereMadeWith) {
  std::string text = "text";
  shared_->call(&Worker::note, std::string_view(text));
  shared_->call(&Worker::take, std::make_unique<int>(7));
  text = "other";
  EXPECT_THAT(done_, IsEmpty());
  turn();
  EXPECT_THAT(done_, ElementsAre("text", "7"));
}

TEST_F(AwayTest, AnswersOnceAndNotToWhatHasBeenAskedMeanwhile) {
  shared_->answer(shared_->asked, &Worker::note, "to nothing");
  shared_->ask();
  shared_->answer(shared_->asked, &Worker::note, "first");
  shared_->answer(shared_->asked, &Worker::note, "first again");
  turn();
  EXPECT_THAT(done_, ElementsAre("first"));
  shared_->ask();
  shared_->answer(shared_->asked, &Worker::note, "late");
  shared_->ask();
  turn();
  EXPECT_THAT(done_, ElementsAre("first"));
}

TEST_F(AwayTest, WhoLeavesTakesTheObjectAlong) {
  shared_->call(&Worker::note, "before");
  shared_->leave();
  shared_->call(&Worker::note, "after");
  turn();
  EXPECT_THAT(done_, ElementsAre("before", "gone"));
  EXPECT_THAT(told_.lines, IsEmpty());
}

TEST_F(AwayTest, WhatThrowsEndsItAndIsToldOnce) {
  shared_->call(&Worker::blunder);
  shared_->call(&Worker::blunder);
  turn();
  EXPECT_EQ(exceptions_, 2);
  EXPECT_THAT(done_, ElementsAre("gone"));
  EXPECT_THAT(told_.lines, ElementsAre("failed: an exception: a mistake"));
}

TEST_F(AwayTest, AFunctionOfHomesIsCalledUntilTheEnd) {
  Lines heard;
  const auto hear =
      shared_->at_home(std::function<void(std::string_view)>([&heard](std::string_view text) { heard.emplace_back(text); }));
  hear(std::string("text"));
  EXPECT_THAT(heard, IsEmpty());
  turn();
  hear("too late");
  shared_->leave();
  turn();
  EXPECT_THAT(heard, ElementsAre("text"));
  EXPECT_FALSE(shared_->at_home(std::function<void(ByteView)>()));
}

}  // namespace
}  // namespace sallyport::ssh::test

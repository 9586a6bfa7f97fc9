#include "net/sockets/resolver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fakes/loop_fixture.hpp"

namespace sallyport::net {
namespace {

using Addresses = Resolver::Addresses;

/// Name servers that answer when the test says so.
class Servers {
 public:
  Resolver::LookUp look_up() {
    return [this](const std::string& name, std::function<void(Result<Addresses>)> done) {
      asked_.push_back(name);
      pending_.emplace(name, std::move(done));
      return std::make_unique<Work>();
    };
  }
  bool is_asked(const std::string& name) const { return pending_.contains(name); }
  std::size_t pending() const { return pending_.size(); }
  std::size_t times(const std::string& name) const {
    return static_cast<std::size_t>(std::count(asked_.begin(), asked_.end(), name));
  }
  std::string first_pending() const { return pending_.begin()->first; }

  void answer(const std::string& name, Result<Addresses> found) {
    const auto done = std::move(pending_.find(name)->second);
    pending_.erase(name);
    done(std::move(found));
  }
  void answer(const std::string& name, const std::string& number) {
    answer(name, Addresses{*SocketAddress::from_numbers(number, 0)});
  }

 private:
  std::vector<std::string> asked_;
  std::map<std::string, std::function<void(Result<Addresses>)>> pending_;
};

class ResolverTest : public test::LoopTest {
 protected:
  struct Asker {
    std::unique_ptr<Resolver::Question> question;
    std::string answer;  // the first address, or the error's text; empty: none yet
  };

  std::unique_ptr<Asker> ask(const std::string& name, const std::string& user = "alice") {
    auto asker = std::make_unique<Asker>();
    asker->question = resolver_.ask(name, user, [to = asker.get()](Result<Addresses> found) {
      to->answer = found ? found->front().host() : found.error().detail;
    });
    EXPECT_EQ(asker->answer, "") << "it was told inside the call";
    return asker;
  }
  /// So many names that don't answer.
  void flood(const std::string& user, int names) {
    for (int i = 0; i < names; ++i) floods_.push_back(ask("silent" + std::to_string(i) + "." + user, user));
  }
  void know(const std::string& name, const std::string& number, const std::string& user = "alice") {
    const auto asker = ask(name, user);
    servers_.answer(name, number);
    EXPECT_EQ(asker->answer, number);
  }
  bool answered(const Asker& asker) {
    return run_until([&asker] { return !asker.answer.empty(); });
  }

  Servers servers_;
  Resolver resolver_{loop_, servers_.look_up()};
  std::vector<std::unique_ptr<Asker>> floods_;
};

TEST_F(ResolverTest, SixtyNamesThatDoNotAnswerDelayNobodyElse) {
  flood("mallory", 60);
  EXPECT_EQ(servers_.pending(), Resolver::kShare);
  const auto good = ask("web1");
  EXPECT_TRUE(servers_.is_asked("web1"));
  servers_.answer("web1", "10.0.0.1");
  EXPECT_EQ(good->answer, "10.0.0.1");
}

TEST_F(ResolverTest, WhatIsKnownIsThereEvenWhenAllLanesAreTaken) {
  know("web1", "10.0.0.1");
  for (const char* user : {"m1", "m2", "m3", "m4", "m5"}) flood(user, 20);
  EXPECT_EQ(servers_.pending(), Resolver::kLanes);
  const auto known = ask("web1");
  EXPECT_TRUE(answered(*known));
  EXPECT_EQ(known->answer, "10.0.0.1");
}

TEST_F(ResolverTest, WhatIsKnownIsUsedWhenTheNewAnswerTakesLong) {
  know("web1", "10.0.0.1");
  const auto known = ask("web1");
  EXPECT_TRUE(servers_.is_asked("web1"));
  EXPECT_TRUE(answered(*known));
  EXPECT_EQ(known->answer, "10.0.0.1");
  servers_.answer("web1", "10.0.0.2");  // which is for the next one
  const auto next = ask("web1");
  EXPECT_TRUE(answered(*next));
  EXPECT_EQ(next->answer, "10.0.0.2");
}

TEST_F(ResolverTest, AnAnswerThatComesInTimeIsTheNewOne) {
  know("web1", "10.0.0.1");
  const auto asker = ask("web1");
  servers_.answer("web1", "10.0.0.2");
  EXPECT_EQ(asker->answer, "10.0.0.2");
}

TEST_F(ResolverTest, ANameThatIsGoneIsForgotten) {
  know("web1", "10.0.0.1");
  const auto gone = ask("web1");
  servers_.answer("web1", fail(Errc::not_found, "no such name"));
  EXPECT_EQ(gone->answer, "no such name");
  EXPECT_EQ(resolver_.known(), 0U);
}

TEST_F(ResolverTest, AServerThatFailsTakesNothingAway) {
  know("web1", "10.0.0.1");
  const auto asker = ask("web1");
  servers_.answer("web1", fail(Errc::unavailable, "try again"));
  EXPECT_EQ(asker->answer, "10.0.0.1");
  const auto unknown = ask("web2");
  servers_.answer("web2", fail(Errc::unavailable, "try again"));
  EXPECT_EQ(unknown->answer, "try again");
}

TEST_F(ResolverTest, ANameIsLookedUpOnceForAllWhoAsk) {
  const auto one = ask("web1");
  const auto two = ask("web1");
  const auto three = ask("web1", "bob");
  EXPECT_EQ(servers_.times("web1"), 1U);
  servers_.answer("web1", "10.0.0.1");
  EXPECT_EQ(one->answer + two->answer + three->answer, "10.0.0.110.0.0.110.0.0.1");
}

TEST_F(ResolverTest, ANameThatWaitsForOneUserBeginsForAnother) {
  flood("mallory", 3);
  const auto first = ask("web1", "mallory");
  EXPECT_FALSE(servers_.is_asked("web1"));
  const auto second = ask("web1");
  EXPECT_TRUE(servers_.is_asked("web1"));
  servers_.answer("web1", "10.0.0.1");
  EXPECT_EQ(first->answer, second->answer);
}

TEST_F(ResolverTest, UsersTakeTurns) {
  for (const char* user : {"m1", "m2", "m3", "m4"}) flood(user, 20);
  const auto good = ask("web1");
  EXPECT_FALSE(servers_.is_asked("web1"));
  for (int i = 0; i < 5; ++i) servers_.answer(servers_.first_pending(), fail(Errc::unavailable, "no answer"));
  EXPECT_TRUE(servers_.is_asked("web1"));
}

TEST_F(ResolverTest, WhoGivesUpLeavesTheLine) {
  flood("mallory", 10);
  for (auto& asker : floods_) asker->question.reset();
  EXPECT_EQ(servers_.pending(), Resolver::kShare) << "nothing can be done about those";
  while (servers_.pending() > 0) servers_.answer(servers_.first_pending(), "10.0.0.1");
  EXPECT_EQ(servers_.times("silent9.mallory"), 0U);
  EXPECT_EQ(resolver_.running(), 0U);
}

TEST_F(ResolverTest, AnswersMayDestroyWhoeverWaits) {
  std::unique_ptr<Resolver::Question> one;
  std::unique_ptr<Resolver::Question> two;
  int told = 0;
  const auto end_all = [&](const Result<Addresses>&) {
    ++told;
    one.reset();
    two.reset();
  };
  one = resolver_.ask("web1", "alice", end_all);
  two = resolver_.ask("web1", "alice", end_all);
  servers_.answer("web1", "10.0.0.1");
  EXPECT_EQ(told, 1);
}

TEST_F(ResolverTest, AnAnswerMayAskAgain) {
  std::unique_ptr<Asker> again;
  const auto question = resolver_.ask("web1", "alice", [&](const Result<Addresses>&) { again = ask("web1"); });
  servers_.answer("web1", fail(Errc::not_found, "no such name"));
  EXPECT_TRUE(servers_.is_asked("web1"));
  servers_.answer("web1", "10.0.0.1");
  EXPECT_EQ(again->answer, "10.0.0.1");
}

TEST_F(ResolverTest, OnesKnownNamesDoNotPushOutOthers) {
  know("web1", "10.0.0.1");
  for (std::size_t i = 0; i < Resolver::kMaxKnown * 2; ++i) know("n" + std::to_string(i), "10.0.0.2", "mallory");
  EXPECT_EQ(resolver_.known(), Resolver::kMaxKnown);
  const auto known = ask("web1");
  EXPECT_TRUE(answered(*known));
}

/// Whatever one user asks for, and whatever comes of it: another's look-up of a name begins at once.
TEST_F(ResolverTest, NothingThatOneUserDoesHoldsUpAnother) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::minstd_rand dice(seed);
    Servers servers;
    Resolver resolver(loop_, servers.look_up());
    std::vector<std::unique_ptr<Resolver::Question>> questions;
    for (int step = 0; step < 200; ++step) {
      switch (dice() % 4) {
        case 0:
        case 1:
          questions.push_back(resolver.ask("m" + std::to_string(dice() % 100), "mallory", [](const Result<Addresses>&) {}));
          break;
        case 2:
          if (!questions.empty()) questions.erase(questions.begin() + static_cast<std::ptrdiff_t>(dice() % questions.size()));
          break;
        default:
          if (servers.pending() > 0) servers.answer(servers.first_pending(), "10.0.0.1");
      }
      bool told = false;
      const std::string name = "web" + std::to_string(step);
      const auto good = resolver.ask(name, "alice", [&told](const Result<Addresses>&) { told = true; });
      ASSERT_TRUE(servers.is_asked(name)) << "seed " << seed << " step " << step;
      servers.answer(name, "10.0.0.1");
      ASSERT_TRUE(told);
    }
  }
}

TEST_F(ResolverTest, AsksTheSystem) {
  Resolver system(loop_);
  std::string good;
  Errc bad = Errc::io;
  const auto one =
      system.ask("localhost", "alice", [&](const Result<Addresses>& found) { good = found ? found->front().host() : "none"; });
  const auto two = system.ask(std::string(3000, 'x'), "alice", [&](const Result<Addresses>& found) { bad = found.error().code; });
  EXPECT_TRUE(run_until([&] { return !good.empty() && bad != Errc::io; }));
  EXPECT_TRUE(good == "127.0.0.1" || good == "::1") << good;
  EXPECT_EQ(bad, Errc::not_found);
}

}  // namespace
}  // namespace sallyport::net

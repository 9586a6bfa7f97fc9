#include <sallyport/told_later.hpp>

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../fakes/fake_clock.hpp"

namespace sallyport {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Events {
 public:
  virtual ~Events() = default;
  virtual void on_text(std::string text) = 0;
  virtual void on_thing(std::unique_ptr<int> thing) = 0;
};

class ToldLaterTest : public ::testing::Test, public Events {
 protected:
  void tell(const char* text) { later_->tell(&Events::on_text, text); }

  fakes::FakeClock clock_;
  std::unique_ptr<ToldLater<Events>> later_ = std::make_unique<ToldLater<Events>>(clock_, static_cast<Events&>(*this));
  std::vector<std::string> told_;
  std::string last_;  ///< behind which it goes

 private:
  void on_text(std::string text) override {
    if (text == last_) later_.reset();
    if (text == "again") tell("and again");
    told_.push_back(std::move(text));
  }
  void on_thing(std::unique_ptr<int> thing) override { told_.push_back("thing " + std::to_string(*thing)); }
};

TEST_F(ToldLaterTest, NothingIsToldInsideTheCall) {
  tell("one");
  later_->tell(&Events::on_thing, std::make_unique<int>(2));
  EXPECT_THAT(told_, IsEmpty());
  clock_.turn();
  EXPECT_THAT(told_, ElementsAre("one", "thing 2"));
}

TEST_F(ToldLaterTest, WhatComesUpMeanwhileComesBehind) {
  tell("again");
  tell("two");
  clock_.turn();
  EXPECT_THAT(told_, ElementsAre("again", "two", "and again"));
}

TEST_F(ToldLaterTest, WhatIsDroppedIsNotTold) {
  tell("one");
  later_->drop();
  tell("two");
  clock_.turn();
  EXPECT_THAT(told_, ElementsAre("two"));
}

TEST_F(ToldLaterTest, GoesInAnEvent) {
  last_ = "one";
  tell("one");
  tell("two");
  clock_.turn();
  EXPECT_THAT(told_, ElementsAre("one"));
  EXPECT_EQ(clock_.pending(), 0U);
}

}  // namespace
}  // namespace sallyport

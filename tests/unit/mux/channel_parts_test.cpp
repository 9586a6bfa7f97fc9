// The parts of channels and connections that stand by themselves: what a channel sends, and who has which number.
#include "world.hpp"

namespace sallyport::mux {
namespace {

/// A client's connection that does nothing of its own.
class BareConnection final : public Connection {
 public:
  BareConnection(MemoryPeer& peer, FakeClock& clock, Graveyard& graveyard, std::shared_ptr<Account> account)
      : Connection(peer.transport(), clock, graveyard, {Duration::zero(), 3}, {}, std::move(account)) {}
  wire::Speaker peer() const override { return wire::Speaker::client; }
  void on_unsound(wire::Form, std::string_view, std::string_view, const Channel*) override {}
  void on_channel_changed(const Channel&, ChannelState) override {}

 private:
  void on_channel_open(const wire::ChannelOpen&, const wire::OpenFields&) override {}
  void on_global_request(const wire::GlobalRequest&, const wire::GlobalFields&, GlobalReplies::Ticket) override {}
  void on_channel_gone(LocalChannel) override {}
  void on_violation(std::string_view) override {}
  void on_ignored(std::string_view, std::uint64_t) override {}
  Told loss_told() const override { return Told("gone"); }
  void on_connection_closed(const Error&) override {}
};

class NoOutcome final : public OpenEvents {
 public:
  void on_open_confirmed() override {}
  void on_open_refused(wire::OpenFailureReason, std::string_view) override {}
  void on_open_lost(Told) override {}
};

class ChannelPartsTest : public ::testing::Test {
 protected:
  Lines take() { return describe(peer_.take()); }
  std::unique_ptr<Channel> channel(LocalChannel local, std::string_view type = kSessionType) {
    return std::make_unique<Channel>(connection_, local, type, PeerEnd{RecipientChannel{7}, 1000, 100});
  }

  FakeClock clock_;
  Graveyard graveyard_{clock_};
  MemoryPeer peer_;
  std::shared_ptr<Account> account_ = std::make_shared<Account>(1024 * 1024);
  BareConnection connection_{peer_, clock_, graveyard_, account_};
};

class ChannelOutputTest : public ChannelPartsTest {
 protected:
  ChannelOutputTest() { output_.opened({RecipientChannel{9}, 100, 10}); }
  bool send(std::string_view text) { return output_.send_data({}, bytes_of(text)); }
  /// So much is under way that what comes next is held.
  void congest() {
    peer_.hold_shut();
    connection_.send(data_message(1, std::string(2 * Transport::kHighMark, 'x')));
  }

  std::unique_ptr<Channel> channel_ = channel(LocalChannel{0});
  ChannelOutput output_{connection_, *channel_};
};

TEST_F(ChannelOutputTest, SplitsDataAndCountsItInTheWindow) {
  EXPECT_TRUE(send("0123456789abcdefghijxyz"));
  EXPECT_THAT(take(), ElementsAre("DATA 9 0123456789", "DATA 9 abcdefghij", "DATA 9 xyz"));
  EXPECT_EQ(output_.window(), 77u);
  EXPECT_EQ(output_.bytes_sent(), 23u);
  EXPECT_FALSE(send(std::string(78, 'x')));
  EXPECT_THAT(take(), IsEmpty()) << "no part of it";
  EXPECT_EQ(output_.window(), 77u);
}

TEST_F(ChannelOutputTest, KeepsWhatIsReservedFromItsUsers) {
  output_.reserve(1000);
  EXPECT_EQ(output_.window(), 75u) << "a quarter at the most";
  EXPECT_EQ(output_.whole_window(), 100u);
  EXPECT_TRUE(output_.adjust(20));
  EXPECT_EQ(output_.window(), 95u);
  EXPECT_FALSE(output_.adjust(0xffffffffu));
  EXPECT_EQ(output_.window(), 95u);
}

TEST_F(ChannelOutputTest, HoldsInOrderWhatCantLeave) {
  congest();
  EXPECT_TRUE(send("abc"));
  EXPECT_TRUE(send("def"));
  output_.send(success_message(9), ChannelOutput::Wait::yes);
  EXPECT_TRUE(send("ghi"));
  EXPECT_EQ(output_.window(), 91u) << "though it waits";
  EXPECT_EQ(output_.held_data(), 9u);
  EXPECT_GT(output_.held_control(), 0u);
  output_.send(close_message(9), ChannelOutput::Wait::no);
  peer_.open();
  take();
  while (output_.send_held()) {
  }
  EXPECT_THAT(take(), ElementsAre("DATA 9 abcdef", "SUCCESS 9", "DATA 9 ghi"));
  EXPECT_FALSE(output_.has_held());
}

TEST_F(ChannelOutputTest, ForgetsWhatIsDropped) {
  congest();
  EXPECT_TRUE(send("abc"));
  EXPECT_GT(account_->held(), 0u);
  output_.drop_held();
  EXPECT_FALSE(output_.send_held());
  EXPECT_EQ(output_.held_data(), 0u);
}

class ChannelTableTest : public ChannelPartsTest {
 protected:
  Channel& add(std::string_view type = kSessionType) { return table_.add(channel(table_.next_number(clock_.now()), type)); }

  ChannelTable table_{account_};
};

TEST_F(ChannelTableTest, CountsAndChargesWhatItHas) {
  const std::size_t before = account_->held();
  Channel& first = add();
  Channel& second = add("direct-tcpip");
  EXPECT_EQ(table_.find(LocalChannel{0}), &first);
  EXPECT_EQ(table_.find(LocalChannel{1}), &second);
  EXPECT_EQ(table_.find(LocalChannel{2}), nullptr);
  EXPECT_EQ(table_.size(), 2u);
  EXPECT_EQ(table_.count_sessions([](ChannelState) { return true; }), 1u);
  EXPECT_EQ(account_->held(), before + 2 * Channel::kCost);
  const auto taken = table_.take_out(first, clock_.now());
  EXPECT_EQ(taken.get(), &first);
  EXPECT_EQ(table_.find(LocalChannel{0}), nullptr);
  EXPECT_TRUE(table_.numbers().is_resting(LocalChannel{0}, clock_.now()));
  EXPECT_EQ(table_.size(), 1u);
  EXPECT_EQ(account_->held(), before + Channel::kCost);
}

TEST_F(ChannelTableTest, GivesAllAwayOneByOne) {
  const std::size_t before = account_->held();
  add();
  add();
  std::vector<std::unique_ptr<Channel>> given;
  table_.give_all_away([&given](std::unique_ptr<Channel> one) { given.push_back(std::move(one)); });
  EXPECT_EQ(given.size(), 2u);
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(table_.find(LocalChannel{1}), nullptr);
  EXPECT_EQ(account_->held(), before);
}

TEST_F(ChannelTableTest, AnEndThatIsOwedForLongIsNoUse) {
  NoOutcome outcome;
  Channel& owed = table_.add(
      std::make_unique<Channel>(connection_, table_.next_number(clock_.now()), OpenRequest{}, static_cast<OpenEvents&>(outcome)));
  add();
  owed.abandon();
  const TimePoint since = clock_.now();
  EXPECT_EQ(table_.look_at_endings(since, seconds(10)), since + seconds(10));
  EXPECT_EQ(table_.in_use(), 2u);
  EXPECT_EQ(table_.look_at_endings(since + seconds(10), seconds(10)), std::nullopt);
  EXPECT_EQ(table_.in_use(), 1u);
  EXPECT_EQ(table_.size(), 2u);
  static_cast<void>(table_.take_out(owed, clock_.now()));
  EXPECT_EQ(table_.in_use(), 1u);
}

}  // namespace
}  // namespace sallyport::mux

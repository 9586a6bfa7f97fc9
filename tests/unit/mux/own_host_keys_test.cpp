// What a client is told of the bastion's host keys, and the proof that it may ask for.
#include "world.hpp"

namespace sallyport::mux {
namespace {

constexpr std::string_view kProve = "hostkeys-prove-00@openssh.com";

/// Each proof waits for its outcome.
class FakeHostKeys final : public HostKeyHolder {
 public:
  struct Asked {
    Bytes fields;
    Exchange exchange;
    std::function<void(std::optional<Bytes>)> done;
  };
  struct Proof final : HostKeyProof {
    explicit Proof(int& count) : given_up(count) {}
    ~Proof() override { ++given_up; }
    int& given_up;
  };

  const Bytes& announcement() const override { return announced; }
  std::unique_ptr<HostKeyProof> prove(ByteView fields, Exchange exchange,
                                      std::function<void(std::optional<Bytes>)> done) override {
    asked.push_back({Bytes(fields.begin(), fields.end()), std::move(exchange), std::move(done)});
    return std::make_unique<Proof>(gone);
  }

  Bytes announced = wire::Writer().string("our key").take();
  std::vector<Asked> asked;
  int gone = 0;
};

struct OwnHostKeysTest : WorldTest {
  OwnHostKeysTest() {
    Admission admitted = admission("alice", "web1");
    admitted.host_keys = keys;
    admitted.host_key_algorithm = "rsa-sha2-256";
    client = &connect(std::move(admitted));
  }
  void ask() { client->deliver(wire::build_global_request(kProve, true, wire::Writer().string("our key").take())); }
  std::shared_ptr<FakeHostKeys> keys = std::make_shared<FakeHostKeys>();
  MemoryPeer* client = nullptr;
};

TEST_F(OwnHostKeysTest, AreToldBeforeAnythingElse) {
  const auto messages = client->take();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0], wire::build_global_request("hostkeys-00@openssh.com", false, keys->announced));
  EXPECT_THAT(take(connect()), IsEmpty()) << "where there are none to tell";
}

TEST_F(OwnHostKeysTest, AreProvedInTheOrderOfTheRequests) {
  client->take();
  ask();
  client->deliver(global_message("hello@example.com", true));
  EXPECT_THAT(take(*client), IsEmpty());
  ASSERT_EQ(keys->asked.size(), 1u);
  EXPECT_EQ(keys->asked[0].fields, wire::Writer().string("our key").take());
  EXPECT_EQ(keys->asked[0].exchange.algorithm, "rsa-sha2-256");
  keys->asked[0].done(Bytes{1, 2, 3});
  const auto messages = client->take();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0], wire::build_request_success(Bytes{1, 2, 3}));
  EXPECT_EQ(messages[1], wire::build_request_failure());
  EXPECT_EQ(keys->gone, 1);
}

TEST_F(OwnHostKeysTest, AreNotProvedWhenTheyAreNotOurs) {
  client->take();
  ask();
  keys->asked[0].done(std::nullopt);
  EXPECT_THAT(take(*client), ElementsAre("GLOBAL-FAILURE"));
}

TEST_F(OwnHostKeysTest, OneProofAtATimeAndAFewInAll) {
  client->take();
  for (int i = 0; i < 10; ++i) ask();
  EXPECT_EQ(keys->asked.size(), 1u);
  keys->asked[0].done(Bytes{1});
  EXPECT_EQ(client->take().size(), 10u);
  for (int i = 0; i < 10; ++i) {
    const std::size_t before = keys->asked.size();
    ask();
    if (keys->asked.size() > before) keys->asked.back().done(Bytes{1});
  }
  EXPECT_EQ(keys->asked.size(), 4u);
  EXPECT_FALSE(client->disconnected());
}

TEST_F(OwnHostKeysTest, NobodySignsForWhoWantsNoAnswerOrHasGone) {
  client->deliver(wire::build_global_request(kProve, false, {}));
  EXPECT_TRUE(keys->asked.empty());
  ask();
  client->close();
  clock.turn();
  EXPECT_EQ(keys->gone, 1);
}

TEST_F(OwnHostKeysTest, TheProofOfAClientWithoutThemIsRefused) {
  MemoryPeer& other = connect();
  other.deliver(global_message(kProve, true));
  EXPECT_THAT(take(other), ElementsAre("GLOBAL-FAILURE"));
}

}  // namespace
}  // namespace sallyport::mux

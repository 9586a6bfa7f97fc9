// What the machine says of its users: by the files of [auth], and when. What PAM says is in tests/integration/test_pam.py.
#include "identity/local_identities.hpp"

#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/factors/password_hash.hpp"
#include "fakes/fake_clock.hpp"
#include "fakes/loop_fixture.hpp"
#include "fakes/memory_logger.hpp"

namespace sallyport::identity {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Lines = std::vector<std::string>;

constexpr const char* kLocked = "refused: too many wrong passwords or codes of this user lately";

/// One client, and what it has been told, a line each.
class Asker final : public IdentityEvents {
 public:
  Lines told;
  MachineSession session;
  std::unique_ptr<IdentityCheck> check;
  bool leaves = false;  ///< destroys its check in the next event

 private:
  void on_key(KeyVerdict verdict) override { tell(verdict.grant ? "key granted" : "key refused: " + verdict.refusal); }
  void on_questions(InfoRequest questions) override {
    std::string line = "asked";
    for (const auto& prompt : questions.prompts) line += " " + prompt.text;
    tell(line);
  }
  void on_password_change(std::string prompt) override { tell("change: " + prompt); }
  void on_text(std::string text) override { tell("text: " + text); }
  void on_outcome(AttemptOutcome outcome) override {
    switch (outcome.kind) {
      case AttemptOutcome::Kind::accepted:
        return tell(std::string("accepted") + (outcome.second_factor ? " with a code" : "") +
                    (outcome.password ? " " + std::string(outcome.password->view()) : ""));
      case AttemptOutcome::Kind::refused: return tell("refused: " + outcome.reason);
      case AttemptOutcome::Kind::unavailable: return tell("unavailable: " + outcome.reason);
    }
  }
  void on_session(Result<MachineSession> opened) override {
    if (!opened) return tell("no session: " + opened.error().detail);
    session = std::move(*opened);
    tell(session ? "session" : "no session needed");
  }
  void tell(std::string line) {
    if (leaves) check.reset();
    told.push_back(std::move(line));
  }
};

class LocalIdentitiesTest : public test::LoopTest {
 protected:
  LocalIdentitiesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sallyport-identity-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    static const std::string hash = *auth::hash_password(SecretString("secret"));
    config_.file = name + "/main.toml";
    config_.auth.password_file = write("passwords", "alice:" + hash + "\nbob:" + hash + "\n");
    config_.auth.authorized_keys = {name + "/keys/{user}"};
    config_.auth.max_password_failures_per_user = 2;
    configure();
  }
  ~LocalIdentitiesTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void TearDown() override {
    for (Asker& asker : askers_) asker.check.reset();
    loop_.free_all_retired();
    identities_.reset();
    launcher_.reset();
    LoopTest::TearDown();
  }

  std::string write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
    return path.string();
  }
  void configure(std::string pam_helper = {}) { identities_->configure(config_.auth, std::move(pam_helper)); }
  Asker& client() {
    Asker& asker = askers_.emplace_back();
    asker.check = identities_->check({ConnectionId{1}, "192.0.2.1", std::make_shared<const Config>(config_)}, asker);
    return asker;
  }
  static AttemptSpec password(const std::string& text, const std::string& user = "alice") {
    return {user, std::make_shared<const SecretString>(text)};
  }
  static std::vector<SecretString> answers(std::initializer_list<const char*> texts) {
    std::vector<SecretString> all;
    for (const char* text : texts) all.emplace_back(text);
    return all;
  }
  /// The next line that it is told, which it has not been told yet.
  std::string next(Asker& asker) {
    if (!run_until([&] {
          time_.turn();
          return !asker.told.empty();
        }))
      return "(nothing)";
    std::string line = asker.told.front();
    asker.told.erase(asker.told.begin());
    return line;
  }
  std::string attempt(const std::string& text, const std::string& user = "alice") {
    Asker& asker = client();
    asker.check->begin_attempt(password(text, user));
    EXPECT_THAT(asker.told, IsEmpty());
    return next(asker);
  }

  std::filesystem::path folder_;
  fakes::FakeClock time_;
  fakes::MemoryLogger log_;
  NoAuditTrail audit_;
  log::Records records_{log_, audit_, time_};
  std::unique_ptr<child::LocalLauncher> launcher_ = std::make_unique<child::LocalLauncher>(loop_);
  std::unique_ptr<LocalIdentities> identities_ = std::make_unique<LocalIdentities>(loop_, time_, *launcher_, records_);
  Config config_;
  std::deque<Asker> askers_;
};

TEST_F(LocalIdentitiesTest, PasswordsAreThoseOfTheFile) {
  EXPECT_EQ(attempt("secret"), "accepted secret");
  EXPECT_THAT(attempt("wrong"), HasSubstr("refused: "));
  EXPECT_THAT(attempt("secret", "mallory"), HasSubstr("refused: "));
}

TEST_F(LocalIdentitiesTest, QuestionsAreAskedOneByOneWhateverIsAnswered) {
  config_.auth.totp_file = write("totp", "alice GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n");
  Asker& asker = client();
  asker.check->begin_attempt({"alice", nullptr});
  EXPECT_THAT(asker.told, IsEmpty());
  EXPECT_EQ(next(asker), "asked Password: ");
  asker.check->answer(answers({"wrong"}));
  EXPECT_EQ(next(asker), "asked Verification code: ");
  asker.check->answer(answers({"123456"}));
  EXPECT_THAT(asker.told, IsEmpty());
  EXPECT_THAT(next(asker), HasSubstr("refused: "));
  // A code behind a wrong password isn't looked at, and so isn't used up.
  EXPECT_FALSE(std::filesystem::exists(config_.auth.totp_file + ".used"));
}

TEST_F(LocalIdentitiesTest, OnceIsEnoughForAPassword) {
  config_.auth.totp_file = write("totp", "");
  Asker& asker = client();
  asker.check->begin_attempt({"alice", nullptr, true});
  EXPECT_EQ(next(asker), "asked Verification code: ");
  asker.check->answer(answers({"123456"}));
  EXPECT_THAT(next(asker), HasSubstr("refused: "));
}

TEST_F(LocalIdentitiesTest, AnswersInTheWrongNumberAreWrong) {
  Asker& asker = client();
  asker.check->begin_attempt({"alice", nullptr});
  EXPECT_EQ(next(asker), "asked Password: ");
  asker.check->answer(answers({"secret", "secret"}));
  EXPECT_THAT(asker.told, IsEmpty());
  EXPECT_EQ(next(asker), "refused: wrong number of answers");
}

TEST_F(LocalIdentitiesTest, AnswersToNothingAreNoHarm) {
  Asker& asker = client();
  asker.check->answer(answers({"secret"}));
  time_.turn();
  EXPECT_THAT(asker.told, IsEmpty());
}

TEST_F(LocalIdentitiesTest, TooManyWrongOnesLockTheUserOutForAWhile) {
  attempt("wrong");
  attempt("wrong");
  EXPECT_EQ(attempt("secret"), kLocked);
  EXPECT_EQ(attempt("secret", "bob"), "accepted secret");
  time_.advance(config_.auth.password_failure_window + Duration(1));
  EXPECT_EQ(attempt("secret"), "accepted secret");
}

TEST_F(LocalIdentitiesTest, AnAttemptThatWasUnderWayThenDoesntCountEither) {
  Asker& asker = client();
  asker.check->begin_attempt({"alice", nullptr});
  EXPECT_EQ(next(asker), "asked Password: ");
  attempt("wrong");
  attempt("wrong");
  asker.check->answer(answers({"secret"}));
  EXPECT_EQ(next(asker), kLocked);
}

TEST_F(LocalIdentitiesTest, WhatHasBeenGivenAndGivenUpCountsAsWrong) {
  Asker& first = client();
  first.check->begin_attempt(password("perhaps"));
  first.check->give_up_attempt();
  Asker& second = client();
  second.check->begin_attempt(password("perhaps"));
  second.check.reset();
  EXPECT_EQ(attempt("secret"), kLocked);
  EXPECT_THAT(first.told, IsEmpty());
}

TEST_F(LocalIdentitiesTest, WhatHasOnlyBeenAskedDoesnt) {
  for (int i = 0; i < 3; ++i) {
    Asker& asker = client();
    asker.check->begin_attempt({"alice", nullptr});
    EXPECT_EQ(next(asker), "asked Password: ");
    asker.check->give_up_attempt();
  }
  EXPECT_EQ(attempt("secret"), "accepted secret");
}

TEST_F(LocalIdentitiesTest, NothingIsToldOfWhatHasBeenGivenUp) {
  Asker& asker = client();
  asker.check->begin_attempt({"alice", nullptr});
  asker.check->give_up_attempt();
  asker.check->begin_attempt(password("secret"));
  EXPECT_EQ(next(asker), "accepted secret");
}

TEST_F(LocalIdentitiesTest, NobodyCanTellWithoutTheFile) {
  std::filesystem::remove(config_.auth.password_file);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(attempt("secret"), HasSubstr("unavailable: "));  // which counts for nobody
}

TEST_F(LocalIdentitiesTest, WithoutAnythingToCheckItByNothingIsRight) {
  config_.auth.password_file.clear();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(attempt("secret"), "refused: the configuration has nothing to check it with");
  Asker& asker = client();
  asker.check->begin_attempt({"alice", nullptr});
  EXPECT_EQ(next(asker), "unavailable: there is nothing left to ask for");
}

TEST_F(LocalIdentitiesTest, ACheckMayGoInEachOfItsEvents) {
  for (AttemptSpec spec : std::array<AttemptSpec, 2>{password("secret"), AttemptSpec{"alice", nullptr}}) {
    Asker& asker = client();
    asker.leaves = true;
    asker.check->begin_attempt(std::move(spec));
    next(asker);
    EXPECT_EQ(asker.check, nullptr);
  }
  Asker& asker = client();
  asker.leaves = true;
  asker.check->look_up_key("alice", {});
  EXPECT_THAT(next(asker), HasSubstr("key refused: "));
}

TEST_F(LocalIdentitiesTest, KeysAreLookedUp) {
  write("keys/alice", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n");
  Bytes key{0, 0, 0, 11};
  const std::string_view type = "ssh-ed25519";
  key.insert(key.end(), type.begin(), type.end());
  key.insert(key.end(), {0, 0, 0, 32});
  for (std::uint8_t i = 0; i < 32; ++i) key.push_back(i);
  Asker& asker = client();
  asker.check->look_up_key("alice", key);
  EXPECT_THAT(asker.told, IsEmpty());
  EXPECT_EQ(next(asker), "key granted");
  asker.check->look_up_key("bob", key);
  EXPECT_THAT(next(asker), HasSubstr("key refused: "));
}

TEST_F(LocalIdentitiesTest, ALookUpThatIsGivenUpTellsNobody) {
  Asker& asker = client();
  asker.check->look_up_key("alice", {});
  asker.check.reset();
  loop_.run_dry();
  EXPECT_THAT(asker.told, IsEmpty());
}

TEST_F(LocalIdentitiesTest, WithoutPamThereIsNoSessionToOpen) {
  Asker& asker = client();
  asker.check->open_session("alice");
  EXPECT_THAT(asker.told, IsEmpty());
  EXPECT_EQ(next(asker), "no session needed");
}

TEST_F(LocalIdentitiesTest, WithoutItsHelperPamSaysNothing) {
  config_.auth.pam_service = "sallyport";
  configure((folder_ / "no such helper").string());
  EXPECT_THAT(attempt("secret"), HasSubstr("unavailable: the PAM helper can't be started"));
  Asker& asker = client();
  asker.check->open_session("alice");
  EXPECT_THAT(asker.told, IsEmpty());
  EXPECT_THAT(next(asker), HasSubstr("no session: the PAM helper can't be started"));
}

}  // namespace
}  // namespace sallyport::identity

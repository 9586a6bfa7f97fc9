// A machine whose users only the test knows.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/identity.hpp>

namespace sallyport::fakes {

class FakeIdentities final : public Identities {
 public:
  /// One client's check: what has been asked of it, a line each, and the way to answer.
  struct Check {
    Claimant claimant;
    std::vector<std::string> asked;
    IdentityEvents* events = nullptr;  ///< null once it has been given up
    std::vector<std::string> take() { return std::exchange(asked, {}); }

    /// The key may log in.
    void grant(LoginGrant grant = {}) {
      KeyVerdict verdict;
      verdict.certificate = grant.certificate;
      verdict.grant = std::move(grant);
      events->on_key(std::move(verdict));
    }
    void refuse_key(std::string why) {
      KeyVerdict verdict;
      verdict.refusal = std::move(why);
      events->on_key(std::move(verdict));
    }
    void ask(const std::string& prompt) { events->on_questions({{}, {}, {{prompt, false}}}); }
    void accept(bool second_factor = false, const char* password = nullptr) {
      AttemptOutcome outcome{.kind = AttemptOutcome::Kind::accepted, .reason = {}, .second_factor = second_factor};
      if (password != nullptr) outcome.password = std::make_shared<const SecretString>(password);
      events->on_outcome(std::move(outcome));
    }
    void refuse(std::string why) { end(AttemptOutcome::Kind::refused, std::move(why)); }
    void fail(std::string why) { end(AttemptOutcome::Kind::unavailable, std::move(why)); }
    void open(MachineSession session = nullptr) { events->on_session(std::move(session)); }

   private:
    void end(AttemptOutcome::Kind kind, std::string why) { events->on_outcome({.kind = kind, .reason = std::move(why)}); }
  };

  [[nodiscard]] std::unique_ptr<IdentityCheck> check(Claimant claimant, IdentityEvents& events) override {
    Check& check = checks.emplace_back();
    check.claimant = std::move(claimant);
    check.events = &events;
    return std::make_unique<FakeCheck>(check);
  }

  std::deque<Check> checks;

 private:
  class FakeCheck final : public IdentityCheck {
   public:
    explicit FakeCheck(Check& check) : check_(check) {}
    ~FakeCheck() override { check_.events = nullptr; }
    void look_up_key(const std::string& user, Bytes key) override { ask("key " + user + " " + std::string(text_of(key))); }
    void begin_attempt(AttemptSpec spec) override {
      std::string line = "attempt " + spec.user;
      if (spec.password != nullptr) line += " password=" + std::string(spec.password->view());
      if (spec.password_passed) line += " but for the password";
      ask(line);
    }
    void answer(std::vector<SecretString> answers) override {
      std::string line = "answer";
      for (const SecretString& one : answers) line += " " + std::string(one.view());
      ask(line);
    }
    void give_up_attempt() override { ask("given up"); }
    void open_session(const std::string& user) override { ask("session " + user); }

   private:
    void ask(std::string line) { check_.asked.push_back(std::move(line)); }
    Check& check_;
  };
};

}  // namespace sallyport::fakes

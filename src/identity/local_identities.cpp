#include "identity/local_identities.hpp"

#include <atomic>
#include <utility>

#include <sallyport/told_later.hpp>

#include "identity/file_attempt.hpp"
#include "identity/key_look_up.hpp"
#include "identity/pam_attempt.hpp"

namespace sallyport::identity {
namespace {

constexpr const char* kLocked = "too many wrong passwords or codes of this user lately";

}  // namespace

class LocalIdentities::Check final : public IdentityCheck, private AuthAttemptEvents {
 public:
  Check(LocalIdentities& all, Claimant claimant, IdentityEvents& events)
      : all_(all), claimant_(std::move(claimant)), events_(events), later_(all.clock_, events) {}
  ~Check() override {
    Check::give_up_attempt();
    *given_up_ = true;
  }

  void look_up_key(const std::string& user, Bytes key) override {
    struct Search {
      std::shared_ptr<const Config> config;
      auth::KeyQuery query;
      std::shared_ptr<const std::atomic<bool>> given_up;
      KeyVerdict verdict;
    };
    auto search = std::make_shared<Search>();
    search->config = claimant_.config;
    search->query = {user, std::move(key), claimant_.source, all_.clock_.wall_time(), {}};
    search->given_up = given_up_;
    search->verdict.unavailable = true;  // until it is known
    look_up_ = all_.look_ups_.work(
        [search] { search->verdict = identity::look_up_key(*search->config, search->query, *search->given_up); },
        [this, search] {
          look_up_.reset();
          events_.on_key(std::move(search->verdict));
        });
  }

  void begin_attempt(AttemptSpec spec) override {
    user_ = spec.user;
    answered_ = spec.password != nullptr;
    // Keys still work: whoever guesses passwords must not be able to lock the user out.
    if (all_.failures_.locked(user_, now())) return refuse(kLocked);
    attempt_ = make_attempt(std::move(spec));
    if (attempt_ == nullptr) return refuse("the configuration has nothing to check it with");
    attempt_->start();
  }

  void answer(std::vector<SecretString> answers) override {
    if (attempt_ == nullptr) return;
    answered_ = true;
    attempt_->answer(std::move(answers));
  }

  void give_up_attempt() override {
    later_.drop();
    if (attempt_ == nullptr) return;
    attempt_.reset();
    if (answered_) all_.failures_.add(user_, now());
  }

  void open_session(const std::string& user) override {
    if (settings().pam_service.empty()) return later_.tell(&IdentityEvents::on_session, MachineSession());
    const auto say = [this](std::string_view text) { on_text(text); };
    opening_ = std::make_unique<PamSession>(all_.pam_, claimant_.connection, pam_start(user), std::move(helper_), say,
                                            [this](Result<std::unique_ptr<PamHelper>> opened) {
                                              all_.loop_.retire(std::move(opening_));  // it is on the stack
                                              later_.tell(&IdentityEvents::on_session,
                                                          std::move(opened).and_then([this](std::unique_ptr<PamHelper>&& helper) {
                                                            return Result<MachineSession>(all_.sessions_.keep(std::move(helper)));
                                                          }));
                                            });
  }

 private:
  void on_questions(const InfoRequest& questions) override { later_.tell(&IdentityEvents::on_questions, questions); }
  void on_password_change(std::string_view prompt) override { later_.tell(&IdentityEvents::on_password_change, prompt); }
  void on_text(std::string_view text) override { later_.tell(&IdentityEvents::on_text, text); }
  void on_outcome(AttemptOutcome outcome, std::unique_ptr<PamHelper> helper) override {
    all_.loop_.retire(std::move(attempt_));  // it is on the stack
    // Attempts that were under way when the limit was reached don't count: there may be hundreds at a time.
    if (outcome.kind == AttemptOutcome::Kind::accepted && all_.failures_.locked(user_, now())) {
      all_.loop_.retire(std::move(helper));  // it may be on the stack as well
      return refuse(kLocked);
    }
    if (outcome.kind == AttemptOutcome::Kind::refused) all_.failures_.add(user_, now());
    if (helper != nullptr) helper_ = std::move(helper);
    later_.tell(&IdentityEvents::on_outcome, std::move(outcome));
  }

  void refuse(const char* why) {
    later_.tell(&IdentityEvents::on_outcome, AttemptOutcome{.kind = AttemptOutcome::Kind::refused, .reason = why});
  }

  std::unique_ptr<AuthAttempt> make_attempt(AttemptSpec spec) {
    AuthAttemptEvents& events = *this;
    if (!settings().pam_service.empty())
      return std::make_unique<PamAttempt>(all_.pam_, claimant_.connection, pam_start(spec.user), std::move(spec.password),
                                          events);
    FileFactors factors{all_.checks_, claimant_.config, all_.codes_, spec.user};
    if (spec.password != nullptr) {
      if (settings().password_file.empty()) return nullptr;
      return std::make_unique<PasswordFileAttempt>(std::move(factors), std::move(spec.password), events);
    }
    const FileQuestionsAttempt::Asks asks{
        .password = !settings().password_file.empty() && !spec.password_passed,
        .code = !settings().totp_file.empty(),
    };
    return std::make_unique<FileQuestionsAttempt>(std::move(factors), asks, events);
  }

  pam::Start pam_start(const std::string& user) const { return {settings().pam_service, user, claimant_.source, true}; }
  const AuthSettings& settings() const { return claimant_.config->auth; }
  TimePoint now() const { return all_.clock_.now(); }

  LocalIdentities& all_;
  const Claimant claimant_;
  IdentityEvents& events_;
  ToldLater<IdentityEvents> later_;
  std::unique_ptr<net::Work> look_up_;
  /// Tells a look-up under way that its login has gone: a program must not hold up a thread, or the daemon's end.
  std::shared_ptr<std::atomic<bool>> given_up_ = std::make_shared<std::atomic<bool>>(false);
  std::string user_;  // of the attempt
  std::unique_ptr<AuthAttempt> attempt_;
  bool answered_ = false;              // something has been given to it
  std::unique_ptr<PamHelper> helper_;  // has authenticated the user, and can open the session
  std::unique_ptr<PamSession> opening_;
};

LocalIdentities::LocalIdentities(net::Loop& loop, Clock& clock, child::LocalLauncher& launcher, log::Records& records)
    : loop_(loop),
      clock_(clock),
      look_ups_(loop, kLookUps),
      checks_(loop, kChecks),
      pam_{loop, launcher, records, {}},
      sessions_(loop, clock) {}

void LocalIdentities::configure(const AuthSettings& settings, std::string pam_helper) {
  pam_.program = std::move(pam_helper);
  failures_.configure(settings.max_password_failures_per_user, settings.password_failure_window);
}

std::unique_ptr<IdentityCheck> LocalIdentities::check(Claimant claimant, IdentityEvents& events) {
  return std::make_unique<Check>(*this, std::move(claimant), events);
}

}  // namespace sallyport::identity

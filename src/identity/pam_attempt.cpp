#include "identity/pam_attempt.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace sallyport::identity {
namespace {

/// PAM's texts for the client, each on lines of its own.
void append_text(std::string& all, const std::string& text) {
  if (text.empty()) return;
  all += text;
  if (all.back() != '\n') all += '\n';
}

/// Whether a prompt in a change of password wants the old one: "Current password: ", "(current) UNIX password: ".
bool asks_for_old(const std::string& prompt) {
  std::string text = prompt;
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.find("current") != std::string::npos || text.find("old password") != std::string::npos;
}

}  // namespace

PamAttempt::PamAttempt(PamEnvironment& environment, ConnectionId connection, pam::Start start,
                       std::shared_ptr<const SecretString> password, AuthAttemptEvents& events)
    : environment_(environment),
      connection_(connection),
      start_(std::move(start)),
      events_(events),
      password_(std::move(password)) {}

void PamAttempt::start() {
  helper_ = std::make_unique<PamHelper>(environment_, connection_, start_, static_cast<PamHelperEvents&>(*this));
}

void PamAttempt::on_pam_questions(std::vector<pam::Message> questions) {
  prompts_.clear();
  for (pam::Message& message : questions) {
    if (message.wants_answer()) {
      prompts_.push_back(std::move(message));
    } else {
      append_text(texts_, message.text);
    }
  }
  if (prompts_.empty()) return;
  if (is_password()) return answer_prompts();
  InfoRequest request;
  request.instruction = std::exchange(texts_, {});
  for (const pam::Message& prompt : prompts_)
    request.prompts.push_back({prompt.text, prompt.style == pam::Message::Style::visible});
  state_ = State::client;
  events_.tell(&AuthAttemptEvents::on_questions, request);
}

void PamAttempt::answer_prompts() {
  if (changing_) {
    if (new_password_ != nullptr) return answer_with_new_password();
    state_ = State::new_password;
    const std::string text = std::exchange(texts_, {});
    return events_.tell(&AuthAttemptEvents::on_password_change, text.empty() ? "Your password has expired." : text);
  }
  const bool only_password = prompts_.size() == 1 && prompts_.front().style == pam::Message::Style::secret;
  if (!only_password || std::exchange(password_given_, true)) return refuse("the PAM service asks for more than a password");
  if (password_->size() > pam::kMaxAnswer) return refuse("the password is too long");
  std::vector<SecretString> answers;
  answers.push_back(password_->copy());
  helper_->answer(std::move(answers));
}

void PamAttempt::answer_with_new_password() {
  std::vector<SecretString> answers;
  for (const pam::Message& prompt : prompts_) answers.push_back((asks_for_old(prompt.text) ? *password_ : *new_password_).copy());
  helper_->answer(std::move(answers));
}

void PamAttempt::answer(std::vector<SecretString> answers) {
  switch (std::exchange(state_, State::helper)) {
    case State::client: break;
    case State::new_password:
      // Of a PASSWD_CHANGEREQ: the old one and the new one. A module that asks for the new one again and again isn't satisfied.
      if (helper_ == nullptr) return conclude(std::move(outcome_));
      if (answers.size() != 2) return refuse("wrong number of answers");
      password_ = std::make_shared<const SecretString>(std::move(answers[0]));
      new_password_ = std::make_shared<const SecretString>(std::move(answers[1]));
      if (password_->size() > pam::kMaxAnswer || new_password_->size() > pam::kMaxAnswer)
        return refuse("the password is too long");
      return answer_with_new_password();
    case State::last_words: state_ = State::done; return tell(std::move(outcome_));
    case State::helper:
    case State::done: return;
  }
  if (helper_ == nullptr) return conclude(std::move(outcome_));  // it ended while the client was typing
  if (answers.size() != prompts_.size()) return refuse("wrong number of answers");
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].size() > pam::kMaxAnswer) return refuse("an answer is too long");
    // The first one without echo is the password, as far as anybody can know; when it is being changed, the newest.
    const bool secret = prompts_[i].style == pam::Message::Style::secret;
    if (secret && (typed_ == nullptr || (changing_ && !asks_for_old(prompts_[i].text))))
      typed_ = std::make_shared<const SecretString>(answers[i].copy());
  }
  helper_->answer(std::move(answers));
}

void PamAttempt::on_pam_authenticated() {
  AttemptOutcome outcome;
  outcome.kind = AttemptOutcome::Kind::accepted;
  outcome.password = is_password() ? (new_password_ != nullptr ? new_password_ : password_) : typed_;
  helper_->set_events(nullptr);
  conclude(std::move(outcome));
}

void PamAttempt::on_pam_failed(pam::Failed failed) {
  AttemptOutcome outcome;
  outcome.kind = failed.kind == pam::Failed::Kind::refused ? AttemptOutcome::Kind::refused : AttemptOutcome::Kind::unavailable;
  outcome.reason = std::move(failed.reason);
  environment_.loop.retire(std::move(helper_));  // it is on the stack
  if (state_ == State::client || state_ == State::new_password) {
    outcome_ = std::move(outcome);  // there is nothing to say until the client has answered
    return;
  }
  conclude(std::move(outcome));
}

void PamAttempt::refuse(std::string reason) {
  AttemptOutcome outcome;
  outcome.kind = AttemptOutcome::Kind::refused;
  outcome.reason = std::move(reason);
  if (helper_ != nullptr) helper_->set_events(nullptr);
  environment_.loop.retire(std::move(helper_));
  conclude(std::move(outcome));
}

void PamAttempt::conclude(AttemptOutcome outcome) {
  state_ = State::done;
  const std::string text = std::exchange(texts_, {});
  if (text.empty()) return tell(std::move(outcome));
  if (is_password()) {
    events_.tell(&AuthAttemptEvents::on_text, text);
    return tell(std::move(outcome));
  }
  // RFC 4256, 3.2: a round without prompts shows a text.
  outcome_ = std::move(outcome);
  state_ = State::last_words;
  events_.tell(&AuthAttemptEvents::on_questions, InfoRequest{{}, text, {}});
}

// Whose helper is left has been accepted by it.
void PamAttempt::tell(AttemptOutcome outcome) {
  events_.end(&AuthAttemptEvents::on_outcome, std::move(outcome), std::move(helper_));
}

PamSession::PamSession(PamEnvironment& environment, ConnectionId connection, pam::Start start, std::unique_ptr<PamHelper> helper,
                       std::function<void(std::string_view)> say, Done done)
    : say_(std::move(say)), done_(std::move(done)), helper_(std::move(helper)) {
  if (helper_ != nullptr) {
    helper_->set_events(this);
    helper_->open_session();
  } else {
    start.authenticate = false;
    helper_ = std::make_unique<PamHelper>(environment, connection, std::move(start), static_cast<PamHelperEvents&>(*this));
  }
}

void PamSession::on_pam_questions(std::vector<pam::Message> questions) {
  std::string text;
  for (const pam::Message& message : questions) append_text(text, message.text);
  if (!text.empty()) say_(text);
}

void PamSession::on_pam_opened() {
  helper_->set_events(nullptr);
  done_(std::move(helper_));
}

void PamSession::on_pam_failed(pam::Failed failed) {
  const bool refused = failed.kind == pam::Failed::Kind::refused;
  done_(fail(refused ? Errc::denied : Errc::unavailable, std::move(failed.reason)));
}

}  // namespace sallyport::identity

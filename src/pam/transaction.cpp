#include "pam/transaction.hpp"

#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>
#include <vector>

namespace sallyport::pam {
namespace {

/// The daemon makes refusals wait, all of them for the same time: a module's own random delay would only add to it.
void no_delay(int, unsigned, void*) {}

/// Whether it was the user's fault, or the account's; else something is wrong here.
bool is_refusal(int rc) {
  switch (rc) {
    case PAM_AUTH_ERR:
    case PAM_USER_UNKNOWN:
    case PAM_MAXTRIES:
    case PAM_PERM_DENIED:
    case PAM_ACCT_EXPIRED:
    case PAM_CRED_EXPIRED:
    case PAM_AUTHTOK_EXPIRED:
    case PAM_NEW_AUTHTOK_REQD:
    case PAM_AUTHTOK_ERR:
    case PAM_CRED_INSUFFICIENT: return true;
    default: return false;
  }
}

void free_responses(pam_response* responses, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (responses[i].resp == nullptr) continue;
    OPENSSL_cleanse(responses[i].resp, std::strlen(responses[i].resp));
    std::free(responses[i].resp);  // NOLINT: PAM's modules free what they get, so it is malloc's
  }
  std::free(responses);  // NOLINT
}

}  // namespace

Transaction::~Transaction() {
  if (handle_ == nullptr) return;
  may_ask_ = false;
  if (opened_) status_ = ::pam_close_session(handle_, 0);
  if (authenticated_ || opened_) static_cast<void>(::pam_setcred(handle_, PAM_DELETE_CRED));
  ::pam_end(handle_, status_);
}

std::optional<Failed> Transaction::begin(const Start& start) {
  const pam_conv conversation{converse, this};
  status_ = ::pam_start(start.service.c_str(), start.user.c_str(), &conversation, &handle_);
  if (status_ != PAM_SUCCESS) {
    handle_ = nullptr;
    return Failed{Failed::Kind::unavailable, "pam_start failed"};
  }
  may_ask_ = start.authenticate;
  for (const auto& [item, value] : {std::pair<int, const void*>{PAM_RHOST, start.remote_host.c_str()},
                                    {PAM_TTY, "ssh"},  // there is none yet, and some modules want a name; as sshd's
                                    {PAM_FAIL_DELAY, reinterpret_cast<const void*>(no_delay)}}) {
    status_ = ::pam_set_item(handle_, item, value);
    if (status_ != PAM_SUCCESS) return failure("pam_set_item", status_);
  }
  if (start.authenticate) {
    status_ = ::pam_authenticate(handle_, PAM_DISALLOW_NULL_AUTHTOK);
    if (status_ != PAM_SUCCESS) return failure("pam_authenticate", status_);
    authenticated_ = true;
  }
  // A module may have put somebody else in the user's place: that isn't who the client said it was.
  if (!is_still(start.user)) return Failed{Failed::Kind::refused, "a PAM module has changed the user's name"};
  if (auto failed = check_account()) return failed;
  if (!is_still(start.user)) return Failed{Failed::Kind::refused, "a PAM module has changed the user's name"};
  return std::nullopt;
}

std::optional<Failed> Transaction::check_account() {
  status_ = ::pam_acct_mgmt(handle_, PAM_DISALLOW_NULL_AUTHTOK);
  if (status_ == PAM_NEW_AUTHTOK_REQD) return change_password();
  if (status_ != PAM_SUCCESS) return failure("pam_acct_mgmt", status_);
  return std::nullopt;
}

std::optional<Failed> Transaction::change_password() {
  if (!may_ask_) return Failed{Failed::Kind::refused, "the password has expired, and the login's method can't change it"};
  if (!channel_.send(frame(Type::changing))) return Failed{Failed::Kind::unavailable, "the daemon has gone"};
  status_ = ::pam_chauthtok(handle_, PAM_CHANGE_EXPIRED_AUTHTOK);
  if (status_ != PAM_SUCCESS) return failure("pam_chauthtok", status_);
  return std::nullopt;
}

std::optional<Failed> Transaction::open_session() {
  may_ask_ = false;
  in_session_ = true;
  status_ = ::pam_setcred(handle_, PAM_ESTABLISH_CRED);
  // Modules that have authenticated nobody may have no credentials to give, as after a login by key.
  if (status_ != PAM_SUCCESS && authenticated_) return failure("pam_setcred", status_);
  status_ = ::pam_open_session(handle_, 0);
  if (status_ != PAM_SUCCESS) {
    Failed failed = failure("pam_open_session", status_);
    failed.kind = Failed::Kind::unavailable;
    return failed;
  }
  opened_ = true;
  return std::nullopt;
}

bool Transaction::is_still(const std::string& user) const {
  const void* name = nullptr;
  return ::pam_get_item(handle_, PAM_USER, &name) == PAM_SUCCESS && name != nullptr && user == static_cast<const char*>(name);
}

Failed Transaction::failure(const char* doing, int rc) const {
  return {is_refusal(rc) ? Failed::Kind::refused : Failed::Kind::unavailable,
          std::string(doing) + ": " + ::pam_strerror(handle_, rc)};
}

int Transaction::converse(int count, const pam_message** messages, pam_response** responses, void* self) noexcept {
  // No exception may pass through the module that asks: it is refused an answer.
  try {
    return static_cast<Transaction*>(self)->put(count, messages, responses);
  } catch (...) {
    return PAM_CONV_ERR;
  }
}

int Transaction::put(int count, const pam_message** messages, pam_response** responses) {
  if (count <= 0 || static_cast<std::uint32_t>(count) > kMaxMessages || responses == nullptr) return PAM_CONV_ERR;
  std::vector<Message> questions;
  for (int i = 0; i < count; ++i) {
    const pam_message& message = *messages[i];
    Message question;
    switch (message.msg_style) {
      case PAM_PROMPT_ECHO_OFF: question.style = Message::Style::secret; break;
      case PAM_PROMPT_ECHO_ON: question.style = Message::Style::visible; break;
      case PAM_ERROR_MSG: question.style = Message::Style::error; break;
      case PAM_TEXT_INFO: question.style = Message::Style::info; break;
      default: return PAM_CONV_ERR;
    }
    if (question.wants_answer() && !may_ask_) return PAM_CONV_ERR;
    // What modules tell at the begin of a session (the day's message, the last login) is no part of a login here.
    if (in_session_ && question.style == Message::Style::info)
      question.text.clear();
    else if (message.msg != nullptr)
      question.text = message.msg;
    questions.push_back(std::move(question));
  }
  return answer(questions, responses);
}

int Transaction::answer(const std::vector<Message>& questions, pam_response** responses) {
  std::size_t wanted = 0;
  for (const Message& question : questions) wanted += question.wants_answer() ? 1 : 0;
  if (!channel_.send(frame(questions))) return PAM_CONV_ERR;
  auto* const made = static_cast<pam_response*>(std::calloc(questions.size(), sizeof(pam_response)));  // NOLINT: PAM frees it
  if (made == nullptr) return PAM_BUF_ERR;
  if (wanted > 0) {
    const auto frame = channel_.receive();
    const auto answers = frame && frame->type == Type::answers ? parse_answers(frame->fields) : std::nullopt;
    if (!answers || answers->size() != wanted) {
      free_responses(made, questions.size());
      return PAM_CONV_ERR;
    }
    std::size_t next = 0;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (!questions[i].wants_answer()) continue;
      const SecretString& answer = (*answers)[next++];
      // A zero would cut it short, into something that the client has not said.
      const bool whole = answer.view().find('\0') == std::string_view::npos;
      made[i].resp = whole ? ::strdup(answer.c_str()) : nullptr;
      if (made[i].resp != nullptr) continue;
      free_responses(made, questions.size());
      return PAM_CONV_ERR;
    }
  }
  *responses = made;
  return PAM_SUCCESS;
}

}  // namespace sallyport::pam

#include "ssh/upstream/login_method.hpp"

#include <libssh/libssh.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "ssh/seam/seam.h"
#include "ssh/upstream/agent_method.hpp"

namespace sallyport::ssh {
namespace {

/// A target that asks on and on is given up.
constexpr int kMaxQuestions = 10;
constexpr std::size_t kMaxPrompt = 4096;

/// A private key in our memory.
class KeyMethod final : public LoginMethod {
 public:
  KeyMethod(LoginHost& host, const KeyHandle& key) : LoginMethod(host), key_(key) {}
  MethodStep proceed() override { return step_of(ssh_userauth_publickey(host_.session(), nullptr, key_.get())); }

 private:
  const KeyHandle& key_;
};

/// A new key, whose certificate a program makes first.
class SignerMethod final : public LoginMethod {
 public:
  SignerMethod(LoginHost& host, const KeyHandle& key) : LoginMethod(host), key_(key), login_(host, key) {}

  MethodStep proceed() override {
    if (signed_) return *signed_ ? login_.proceed() : unusable(signed_->error().detail);
    if (signer_ == nullptr) {
      if (host_.options().make_signer) signer_ = host_.options().make_signer();
      if (signer_ == nullptr) return unusable("there is no signer");
      signer_->sign(public_key_line(key_), host_.options().certificate, [this](Result<std::string> certificate) {
        signed_ = certificate ? adopt_certificate(key_, *certificate) : Result<>(fail(certificate.error()));
        host_.wake();
      });
    }
    return MethodStep::again;
  }

 private:
  const KeyHandle& key_;
  KeyMethod login_;
  std::unique_ptr<CertificateSigner> signer_;
  std::optional<Result<>> signed_;
};

/// Questions that somebody answers.
class InteractiveMethod : public LoginMethod {
 public:
  using LoginMethod::LoginMethod;

  MethodStep proceed() final {
    if (waiting_) return MethodStep::again;
    if (refused_) return unusable(*refused_);
    for (;;) {
      const int rc = ssh_userauth_kbdint(host_.session(), nullptr, nullptr);
      if (rc != SSH_AUTH_INFO) return step_of(rc);
      UpstreamQuestion question = read_question();
      if (++questions_ > kMaxQuestions) return unusable("it asks too much");
      // Nothing to show and nothing to answer: PAM ends with such a one.
      if (question.prompts.empty() && question.name.empty() && question.instruction.empty()) continue;
      waiting_ = true;
      answer(std::move(question));
      if (waiting_) return MethodStep::again;
      if (refused_) return unusable(*refused_);
    }
  }

 protected:
  /// To be answered by give() or refuse(), in the call or later.
  virtual void answer(UpstreamQuestion question) = 0;
  void give(const std::vector<SecretString>& answers) {
    if (!std::exchange(waiting_, false)) return;
    for (unsigned int i = 0; i < answers.size() && i < prompts_; ++i) {
      if (ssh_userauth_kbdint_setanswer(host_.session(), i, answers[i].c_str()) < 0) refused_ = "an answer can't be sent";
    }
    if (answers.size() != prompts_) refused_ = "not every question was answered";
  }
  void refuse(std::string why) {
    if (std::exchange(waiting_, false)) refused_ = std::move(why);
  }

 private:
  UpstreamQuestion read_question() {
    ssh_session session = host_.session();
    UpstreamQuestion question;
    const auto text = [](const char* from) {
      return std::string(std::string_view(from == nullptr ? "" : from).substr(0, kMaxPrompt));
    };
    question.name = text(ssh_userauth_kbdint_getname(session));
    question.instruction = text(ssh_userauth_kbdint_getinstruction(session));
    prompts_ = static_cast<unsigned int>(std::max(ssh_userauth_kbdint_getnprompts(session), 0));
    for (unsigned int i = 0; i < prompts_; ++i) {
      char echo = 0;
      const char* const prompt = ssh_userauth_kbdint_getprompt(session, i, &echo);
      question.prompts.push_back({text(prompt), echo != 0});
    }
    return question;
  }

  int questions_ = 0;
  unsigned int prompts_ = 0;
  bool waiting_ = false;
  std::optional<std::string> refused_;
};

/// The person at the client answers.
class PersonMethod final : public InteractiveMethod {
 public:
  using InteractiveMethod::InteractiveMethod;
  void on_answers(std::vector<SecretString> answers) override {
    give(answers);
    host_.wake();
  }
  void on_no_answer(std::string told) override {
    told_ = told;
    refuse(std::move(told));
    host_.wake();
  }

 private:
  void answer(UpstreamQuestion question) override { host_.ask(std::move(question)); }
};

/// A password by keyboard-interactive, where a server that asks PAM takes it: only as the answer to a question for it.
class AskedPasswordMethod final : public InteractiveMethod {
 public:
  AskedPasswordMethod(LoginHost& host, const SecretString& password) : InteractiveMethod(host), password_(password) {}

 private:
  void answer(UpstreamQuestion question) override {
    std::vector<SecretString> answers;
    if (question.prompts.empty()) return give(answers);
    if (question.prompts.size() > 1 || question.prompts.front().echo || !asks_password(question.prompts.front().text))
      return refuse("it asks for something else than a password");
    if (std::exchange(given_, true)) return refuse("the password was refused");
    answers.push_back(password_.copy());
    give(answers);
  }
  static bool asks_password(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text.find("password") != std::string::npos;
  }

  const SecretString& password_;
  bool given_ = false;
};

class PasswordMethod final : public LoginMethod {
 public:
  PasswordMethod(LoginHost& host, const SecretString& password)
      : LoginMethod(host), password_(password), by_question_(host, password) {}

  MethodStep proceed() override {
    if (!chosen_) chosen_ = host_.takes(SSH_AUTH_METHOD_PASSWORD) ? SSH_AUTH_METHOD_PASSWORD : SSH_AUTH_METHOD_INTERACTIVE;
    if (*chosen_ == SSH_AUTH_METHOD_PASSWORD) return step_of(ssh_userauth_password(host_.session(), nullptr, password_.c_str()));
    const MethodStep step = by_question_.proceed();
    detail_ = by_question_.detail();
    return step;
  }

 private:
  const SecretString& password_;
  std::optional<int> chosen_;
  AskedPasswordMethod by_question_;
};

}  // namespace

MethodStep LoginMethod::step_of(int rc) {
  switch (rc) {
    case SSH_AUTH_SUCCESS: return MethodStep::success;
    case SSH_AUTH_PARTIAL: return MethodStep::partial;
    case SSH_AUTH_AGAIN: return MethodStep::again;
    case SSH_AUTH_DENIED: return MethodStep::refused;
    default: break;
  }
  // A connection that has died ends the login by itself, and its state tells more.
  if (spssh_phase(host_.session()) == SPSSH_DEAD) return MethodStep::again;
  return unusable(session_error(host_.session(), "it can't be used"));
}

std::unique_ptr<LoginMethod> make_login_method(LoginHost& host, const ReadyCredential& credential) {
  using Kind = Credential::Kind;
  switch (credential.kind) {
    case Kind::key_file:
    case Kind::certificate_authority: return std::make_unique<KeyMethod>(host, credential.key);
    case Kind::signer: return std::make_unique<SignerMethod>(host, credential.key);
    case Kind::agent:
    case Kind::forwarded_agent: return std::make_unique<AgentMethod>(host, credential.path);
    case Kind::password_file: return std::make_unique<PasswordMethod>(host, credential.password);
    case Kind::password: return std::make_unique<PasswordMethod>(host, *host.options().client.password);
    case Kind::keyboard_interactive: return std::make_unique<PersonMethod>(host);
  }
  return nullptr;
}

int methods_of(Credential::Kind kind) {
  using Kind = Credential::Kind;
  switch (kind) {
    case Kind::password_file:
    case Kind::password: return SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_INTERACTIVE;
    case Kind::keyboard_interactive: return SSH_AUTH_METHOD_INTERACTIVE;
    default: return SSH_AUTH_METHOD_PUBLICKEY;
  }
}

}  // namespace sallyport::ssh

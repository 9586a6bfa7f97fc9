#include "ssh/upstream/upstream_login.hpp"

#include <libssh/libssh.h>

#include <algorithm>
#include <utility>

#include "ssh/seam/seam.h"

namespace sallyport::ssh {
namespace {

std::string names_of(int methods) {
  std::string names;
  for (const auto& [method, name] :
       {std::pair(SSH_AUTH_METHOD_PUBLICKEY, "publickey"), std::pair(SSH_AUTH_METHOD_PASSWORD, "password"),
        std::pair(SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive")}) {
    if ((static_cast<unsigned>(methods) & method) == 0) continue;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return names.empty() ? "no method that we know" : names;
}

/// It says nothing about anybody but the client that the login is made for.
bool is_the_clients(Credential::Kind kind) {
  return kind == Credential::Kind::forwarded_agent || kind == Credential::Kind::password ||
         kind == Credential::Kind::keyboard_interactive;
}

}  // namespace

UpstreamLogin::UpstreamLogin(LoopIo& io, SshTransport& connection, const ClientOptions& options,
                             const std::vector<ReadyCredential>& credentials, UpstreamLoginEvents& events)
    : io_(io),
      connection_(connection),
      options_(options),
      credentials_(credentials),
      events_(events),
      tried_(credentials.size(), false) {}

UpstreamLogin::Outcome UpstreamLogin::proceed() {
  for (;;) {
    if (method_ == nullptr) {
      // A key is simply tried: the answer to the first one tells the same, and saves a round trip when it is right.
      const bool key_first = methods_of(credentials_.front().kind) == SSH_AUTH_METHOD_PUBLICKEY;
      if (!taken_ && !key_first && !ask_methods()) return in_without_ ? Outcome::in : Outcome::pending;
      if (!choose()) {
        // Some want no secret at all.
        if (partial_ || asked_ || tries_ + 1 >= kMaxTries) return Outcome::refused;
        if (!ask_methods()) return in_without_ ? Outcome::in : Outcome::pending;
        continue;
      }
    }
    const ReadyCredential& credential = credentials_[*current_];
    const MethodStep step = method_->proceed();
    if (step == MethodStep::again) return Outcome::pending;
    if (!method_->told().empty()) told_ = method_->told();
    const std::string detail = method_->detail();
    method_.reset();
    switch (step) {
      case MethodStep::success: accepted_ += (accepted_.empty() ? "" : " + ") + credential.label; return Outcome::in;
      case MethodStep::partial:
        partial_ = true;
        accepted_ += (accepted_.empty() ? "" : " + ") + credential.label;
        note(credential, "accepted, but not enough");
        break;
      case MethodStep::refused:
        ++tries_;
        note_refused(credential);
        note(credential, detail.empty() ? "refused" : detail);
        break;
      default: note(credential, detail); break;
    }
    if (step != MethodStep::unusable || taken_) taken_ = ssh_userauth_list(connection_.session(), nullptr);
  }
}

bool UpstreamLogin::ask_methods() {
  const int rc = ssh_userauth_none(connection_.session(), nullptr);
  in_without_ = rc == SSH_AUTH_SUCCESS;
  if (rc == SSH_AUTH_AGAIN || in_without_ || spssh_phase(connection_.session()) == SPSSH_DEAD) return false;
  asked_ = true;
  taken_ = ssh_userauth_list(connection_.session(), nullptr);
  return true;
}

bool UpstreamLogin::choose() {
  for (std::size_t i = 0; i < credentials_.size(); ++i) {
    if (tried_[i] || !takes(methods_of(credentials_[i].kind))) continue;
    tried_[i] = true;
    current_ = i;
    method_ = make_login_method(static_cast<LoginHost&>(*this), credentials_[i]);
    return true;
  }
  return false;
}

std::uint32_t UpstreamLogin::offers_left() const {
  const auto later =
      static_cast<std::uint32_t>(std::count(tried_.begin() + static_cast<std::ptrdiff_t>(*current_), tried_.end(), false));
  const std::uint32_t used = tries_ + later + 1;  // the sixth attempt that is refused is one too many
  return used < kMaxTries ? kMaxTries - used : 0;
}

void UpstreamLogin::note_refused(const ReadyCredential& credential) {
  refused_ = std::max(refused_, is_the_clients(credential.kind) ? Refused::the_clients : Refused::ours);
}

UpstreamLogin::Refused UpstreamLogin::refused() const {
  if (unanswered_) return Refused::nothing;
  if (method_ == nullptr) return refused_;
  return std::max(refused_, is_the_clients(credentials_[*current_].kind) ? Refused::the_clients : Refused::ours);
}

void UpstreamLogin::note(const ReadyCredential& credential, const std::string& what) {
  log_ += (log_.empty() ? "" : "; ") + credential.label + ": " + what;
}

std::string UpstreamLogin::credential() const { return accepted_.empty() ? "none" : accepted_; }

std::string UpstreamLogin::detail() const {
  std::string text = partial_ ? "accepted in part: " : "";
  text += log_.empty() ? "no credential was tried" : log_;
  if (taken_) text += "; the target takes " + names_of(*taken_);
  return text;
}

void UpstreamLogin::on_agent(Result<net::Fd> socket) {
  if (method_ != nullptr) method_->on_agent(std::move(socket));
}

void UpstreamLogin::on_answers(std::vector<SecretString> answers) {
  if (method_ != nullptr) method_->on_answers(std::move(answers));
}

void UpstreamLogin::on_no_answer(std::string told) {
  unanswered_ = true;
  if (method_ != nullptr) method_->on_no_answer(std::move(told));
}

}  // namespace sallyport::ssh

#include "mux/session/session_requests.hpp"

#include <algorithm>
#include <variant>

#include "mux/client/lending.hpp"

namespace sallyport::mux {
namespace {

/// What an entry costs beyond its bytes: strings and the lists that they stand in.
constexpr std::size_t kOverhead = 160;

std::size_t size_of(const wire::SessionRequest& request) { return wire::build_fields(request).size(); }

}  // namespace

std::optional<ProgramRequest> program_of(wire::SessionRequest& request, bool want_reply) {
  using route::Act;
  if (std::holds_alternative<wire::Shell>(request)) return ProgramRequest{Act::shell, {}, want_reply};
  if (auto* const exec = std::get_if<wire::Exec>(&request))
    return ProgramRequest{Act::exec, std::move(exec->command), want_reply};
  if (auto* const subsystem = std::get_if<wire::Subsystem>(&request))
    return ProgramRequest{Act::subsystem, std::move(subsystem->name), want_reply};
  return std::nullopt;
}

bool SessionRequests::take(std::size_t bytes) {
  if (bytes > kMaximumBytes - bytes_ || account_->is_pressed()) return false;
  bytes_ += bytes;
  charge_.add(bytes + kOverhead);
  return true;
}

const char* SessionRequests::keep(const wire::SessionRequest& request, bool want_reply) {
  if (const char* const why = admit(request)) return why;
  using Answer = PreparingRequest::Answer;
  preparing_.push_back({request, want_reply ? Answer::owed : Answer::unwanted});
  return nullptr;
}

const char* SessionRequests::admit(const wire::SessionRequest& request) {
  if (std::holds_alternative<PtyRequest>(request)) {
    if (pty() != nullptr) return "there is a terminal already";
    return take(size_of(request)) ? nullptr : "the terminal's description is too long";
  }
  if (std::holds_alternative<wire::Env>(request)) {
    if (variables_ >= kMaximumVariables || !take(size_of(request))) return "too many variables, or too long ones";
    ++variables_;
    return nullptr;
  }
  if (const auto* const display = std::get_if<wire::X11Request>(&request)) {
    if (!is_sound_x11_request(*display)) return "not what xauth understands";
    if (display_) return "the display has been lent already";
    if (!take(size_of(request))) return "too much is held already";
    display_ = true;
    return nullptr;
  }
  if (!std::holds_alternative<wire::AgentRequest>(request)) return "nothing runs yet";
  return std::exchange(agent_, true) ? "the agent has been lent already" : nullptr;
}

const PtyRequest* SessionRequests::pty() const {
  for (const PreparingRequest& one : preparing_)
    if (const auto* const pty = std::get_if<PtyRequest>(&one.request)) return pty;
  return nullptr;
}

void SessionRequests::resize(const WindowDimensions& dimensions) {
  for (PreparingRequest& one : preparing_)
    if (auto* const pty = std::get_if<PtyRequest>(&one.request)) pty->dimensions = dimensions;
}

bool SessionRequests::add_later(const wire::SessionRequest& request, bool want_reply) {
  const auto is_resize = [](const wire::SessionRequest& one, bool wants_reply) {
    return std::holds_alternative<WindowDimensions>(one) && !wants_reply;
  };
  if (is_resize(request, want_reply)) {
    const auto earlier = std::find_if(later_.begin(), later_.end(),
                                      [&](const StoredRequest& one) { return is_resize(one.request, one.want_reply); });
    if (earlier != later_.end()) {
      earlier->request = request;
      return true;
    }
  }
  if (later_.size() >= kMaximumLater || !take(wire::type_of(request).size() + size_of(request))) return false;
  later_.push_back({request, want_reply});
  return true;
}

std::vector<std::pair<std::string, std::string>> SessionRequests::variables() const {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const PreparingRequest& one : preparing_)
    if (const auto* const env = std::get_if<wire::Env>(&one.request)) variables.emplace_back(env->name, env->value);
  return variables;
}

}  // namespace sallyport::mux

#include "mux/session/session_requests.hpp"

#include <algorithm>

#include "mux/client/lending.hpp"
#include "wire/channel_requests.hpp"
#include "wire/encoding.hpp"

namespace sallyport::mux {

using route::Act;

namespace {

/// What an entry costs beyond its bytes: strings and the lists that they stand in.
constexpr std::size_t kOverhead = 160;

Bytes build_pty_req(const PtyRequest& pty) {
  return wire::Writer()
      .string(pty.term)
      .uint32(pty.dimensions.columns)
      .uint32(pty.dimensions.rows)
      .uint32(pty.dimensions.width_pixels)
      .uint32(pty.dimensions.height_pixels)
      .string(pty.modes)
      .take();
}

}  // namespace

bool SessionRequests::take(std::size_t bytes) {
  if (bytes > kMaximumBytes - bytes_ || account_->is_pressed()) return false;
  bytes_ += bytes;
  charge_.add(bytes + kOverhead);
  return true;
}

const char* SessionRequests::keep(Act act, bool want_reply, ByteView rest) {
  const char* why = nullptr;
  switch (act) {
    case Act::env:
      if (variables_ >= kMaximumVariables || !take(rest.size())) return "too many variables, or too long ones";
      ++variables_;
      break;
    case Act::pty: why = keep_pty(rest); break;
    case Act::lend_agent: why = keep_once(agent_, "the agent has been lent already"); break;
    case Act::lend_display:
      if (!is_sound_x11_request(rest)) return "not what xauth understands";
      if (!display_ && !take(rest.size())) return "too much is held already";
      why = keep_once(display_, "the display has been lent already");
      break;
    default: why = "nothing runs yet";
  }
  if (why != nullptr) return why;
  using Answer = PreparingRequest::Answer;
  const bool is_built = act == Act::pty;
  preparing_.push_back({act, is_built ? Bytes{} : Bytes(rest.begin(), rest.end()), want_reply ? Answer::owed : Answer::unwanted});
  return nullptr;
}

const char* SessionRequests::keep_once(bool& flag, const char* why) { return std::exchange(flag, true) ? why : nullptr; }

const char* SessionRequests::keep_pty(ByteView rest) {
  if (pty_) return "there is a terminal already";
  if (!take(rest.size())) return "the terminal's description is too long";
  const auto pty = *wire::parse_pty_req(rest);
  pty_ = {std::string(pty.term), pty.dimensions, Bytes(pty.modes.begin(), pty.modes.end())};
  return nullptr;
}

Bytes SessionRequests::fields_of(const PreparingRequest& request) const {
  return request.act == Act::pty ? build_pty_req(*pty_) : request.rest;
}

void SessionRequests::resize(const WindowDimensions& dimensions) {
  if (pty_) pty_->dimensions = dimensions;
}

bool SessionRequests::add_later(std::string_view type, bool want_reply, ByteView rest) {
  static constexpr std::string_view kResize = "window-change";
  if (type == kResize && !want_reply) {
    const auto earlier = std::find_if(later_.begin(), later_.end(), [](const StoredRequest& request) {
      return request.type == kResize && !request.want_reply;
    });
    if (earlier != later_.end()) {
      earlier->rest.assign(rest.begin(), rest.end());  // of the same length, as all of them are
      return true;
    }
  }
  if (later_.size() >= kMaximumLater || !take(type.size() + rest.size())) return false;
  later_.push_back({std::string(type), want_reply, Bytes(rest.begin(), rest.end())});
  return true;
}

std::vector<std::pair<std::string, std::string>> SessionRequests::variables() const {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const PreparingRequest& request : preparing_) {
    if (request.act != Act::env) continue;
    const auto env = *wire::parse_env(request.rest);
    variables.emplace_back(env.name, env.value);
  }
  return variables;
}

}  // namespace sallyport::mux

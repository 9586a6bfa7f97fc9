#include "mux/session_requests.hpp"

namespace sallyport::mux {

namespace {
/// What an entry costs beyond its bytes: strings and the lists that they stand in.
constexpr std::size_t kOverhead = 160;
}  // namespace

bool SessionRequests::take(std::size_t bytes) {
  if (bytes > kMaximumBytes - bytes_ || account_->is_pressed()) return false;
  bytes_ += bytes;
  charge_.add(bytes + kOverhead);
  return true;
}

bool SessionRequests::add_variable(std::string_view name, std::string_view value) {
  if (variables_.size() >= kMaximumVariables || !take(name.size() + value.size())) return false;
  variables_.emplace_back(name, value);
  return true;
}

bool SessionRequests::set_pty(PtyRequest pty) {
  if (pty_ || !take(pty.term.size() + pty.modes.size())) return false;
  pty_ = std::move(pty);
  return true;
}

bool SessionRequests::want_display(ByteView rest) {
  if (display_ || !take(rest.size())) return false;
  display_.emplace(rest.begin(), rest.end());
  return true;
}

void SessionRequests::resize(const WindowDimensions& dimensions) {
  if (pty_) pty_->dimensions = dimensions;
}

bool SessionRequests::add_later(std::string_view type, bool want_reply, ByteView rest) {
  if (later_.size() >= kMaximumLater || !take(type.size() + rest.size())) return false;
  later_.push_back({std::string(type), want_reply, Bytes(rest.begin(), rest.end())});
  return true;
}

}  // namespace sallyport::mux

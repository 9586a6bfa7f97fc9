#include "mux/session_requests.hpp"

namespace sallyport::mux {

bool SessionRequests::account(std::size_t bytes) {
  if (bytes > kMaximumBytes - bytes_) return false;
  bytes_ += bytes;
  return true;
}

bool SessionRequests::add_variable(std::string_view name, std::string_view value) {
  if (variables_.size() >= kMaximumVariables || !account(name.size() + value.size())) return false;
  variables_.emplace_back(name, value);
  return true;
}

bool SessionRequests::set_pty(PtyRequest pty) {
  if (pty_ || !account(pty.term.size() + pty.modes.size())) return false;
  pty_ = std::move(pty);
  return true;
}

bool SessionRequests::want_display(ByteView rest) {
  if (display_ || !account(rest.size())) return false;
  display_.emplace(rest.begin(), rest.end());
  return true;
}

void SessionRequests::resize(const WindowDimensions& dimensions) {
  if (pty_) pty_->dimensions = dimensions;
}

bool SessionRequests::add_later(std::string_view type, bool want_reply, ByteView rest) {
  if (later_.size() >= kMaximumLater || !account(type.size() + rest.size())) return false;
  later_.push_back({std::string(type), want_reply, Bytes(rest.begin(), rest.end())});
  return true;
}

}  // namespace sallyport::mux

// What a client asks of a session channel before its endpoint is chosen. RFC 4254, sections 6.2 to 6.5.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/account.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/process.hpp>

namespace sallyport::mux {

/// The shell, exec or subsystem request.
struct ProgramRequest {
  std::string type;
  std::string argument;  ///< exec's command line, the subsystem's name
  bool want_reply = false;
};

/// A request as it came.
struct StoredRequest {
  std::string type;
  bool want_reply = false;
  Bytes rest;
};

/// Collects until the program request comes. Bounded, and by half of what may be held for the connection: the other
/// half is for what must be sent.
class SessionRequests {
 public:
  static constexpr std::size_t kMaximumVariables = 256;
  static constexpr std::size_t kMaximumBytes = 128 * 1024;
  static constexpr std::size_t kMaximumLater = 64;

  explicit SessionRequests(std::shared_ptr<Account> account) : account_(std::move(account)), charge_(account_) {}

  /// The variable is kept. False when there are too many already.
  bool add_variable(std::string_view name, std::string_view value);
  /// False when there is a terminal already.
  bool set_pty(PtyRequest pty);
  bool has_pty() const { return pty_.has_value(); }
  /// The client's agent is to be lent. False when it is already.
  bool want_agent() { return !std::exchange(agent_, true); }
  /// The client's display is to be lent, with the fields of an x11-req. False when it is already.
  bool want_display(ByteView rest);
  void resize(const WindowDimensions& dimensions);
  /// Comes after the program request and before its endpoint is there. False when there are too many.
  bool add_later(std::string_view type, bool want_reply, ByteView rest);

  const std::vector<std::pair<std::string, std::string>>& variables() const { return variables_; }
  const std::optional<PtyRequest>& pty() const { return pty_; }
  bool agent() const { return agent_; }
  /// The fields of the x11-req.
  const std::optional<Bytes>& display() const { return display_; }
  const std::vector<StoredRequest>& later() const { return later_; }

 private:
  bool take(std::size_t bytes);

  std::vector<std::pair<std::string, std::string>> variables_;
  std::optional<PtyRequest> pty_;
  bool agent_ = false;
  std::optional<Bytes> display_;
  std::vector<StoredRequest> later_;
  std::size_t bytes_ = 0;
  const std::shared_ptr<Account> account_;
  Charge charge_;
};

}  // namespace sallyport::mux

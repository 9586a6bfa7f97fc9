// What a client asks of a session channel before its endpoint is there. RFC 4254, sections 6.2 to 6.5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/account.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/process.hpp>

#include "route/acts.hpp"
#include "wire/channel_requests.hpp"

namespace sallyport::mux {

/// The shell, exec or subsystem request.
struct ProgramRequest {
  route::Act act = route::Act::unknown_request;  ///< this: there is none
  std::string argument;                          ///< exec's command line, the subsystem's name
  bool want_reply = false;

  /// As the message names it; empty when there is none.
  std::string_view type() const { return route::info_of(act).wire; }
};

/// The program that `request` asks for, whose text is moved out of it; absent: it is for something else.
std::optional<ProgramRequest> program_of(wire::SessionRequest& request, bool want_reply);

/// A request that prepares the program: a terminal, a variable, the client's agent or display.
struct PreparingRequest {
  /// What the client knows of it.
  enum class Answer : std::uint8_t {
    unwanted,
    owed,
    promised,  ///< that it succeeds, before anybody was asked: a refusal has to be told otherwise
    given,     ///< the end's own
  };
  wire::SessionRequest request;  ///< a terminal with the size that it has by now
  Answer answer = Answer::unwanted;
};

/// A request as it came.
struct StoredRequest {
  wire::SessionRequest request;
  bool want_reply = false;
};

/// Collects until the program has been accepted. Bounded, and by half of what may be held for the connection: the other
/// half is for what must be sent.
class SessionRequests {
 public:
  static constexpr std::size_t kMaximumVariables = 256;
  /// Of all together: OpenSSH's server takes 128 variables of any length.
  static constexpr std::size_t kMaximumBytes = 1024 * 1024;
  static constexpr std::size_t kMaximumLater = 64;

  explicit SessionRequests(std::shared_ptr<Account> account) : account_(std::move(account)), charge_(account_) {}

  /// Keeps a request that prepares the program. Why not, or null when it is kept.
  const char* keep(const wire::SessionRequest& request, bool want_reply);
  /// In the order in which they came.
  std::vector<PreparingRequest>& preparing() { return preparing_; }
  const std::vector<PreparingRequest>& preparing() const { return preparing_; }
  /// The terminal has another size now; without one that means nothing.
  void resize(const WindowDimensions& dimensions);
  /// Comes after the program request and before its endpoint is there. Of several sizes of the terminal only the last one
  /// is kept, in the place of the first. False when there are too many.
  bool add_later(const wire::SessionRequest& request, bool want_reply);
  std::vector<StoredRequest> take_later() { return std::exchange(later_, {}); }

  /// The terminal; null: none has been asked for. Until another request is kept.
  const PtyRequest* pty() const;
  /// The client's agent, and its display, are to be lent.
  bool agent() const { return agent_; }
  bool display() const { return display_; }
  std::vector<std::pair<std::string, std::string>> variables() const;

 private:
  bool take(std::size_t bytes);
  /// Whether the request may be kept: why not, or null.
  const char* admit(const wire::SessionRequest& request);

  std::vector<PreparingRequest> preparing_;
  bool agent_ = false;
  bool display_ = false;
  std::vector<StoredRequest> later_;
  std::size_t variables_ = 0;
  std::size_t bytes_ = 0;
  const std::shared_ptr<Account> account_;
  Charge charge_;
};

}  // namespace sallyport::mux

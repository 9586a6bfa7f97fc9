// Which methods a client still has to pass: sshd's AuthenticationMethods. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::auth {

/// Joins the methods of one chain, in the configuration, the log and the audit trail.
inline constexpr char kChainJoint = '+';

/// The way of one client through the alternatives of auth.methods. As with sshd, the methods of a chain have to be passed
/// in its order, and one that has been passed counts for every alternative that begins with it.
class MethodChains {
 public:
  /// `alternatives` are chains such as "publickey+keyboard-interactive". An empty one is left out: it would let anybody in.
  explicit MethodChains(const std::vector<std::string>& alternatives);

  /// Whether a request with this method makes sense now.
  bool allows(std::string_view method) const;
  /// "Authentications that can continue" (RFC 4252, 5.1): what allows() says yes to, each once.
  std::vector<std::string> can_continue() const;
  /// Whether some alternative that is still open has `method` somewhere.
  bool leads_to(std::string_view method) const;
  /// The method, which must be allowed, has been passed.
  void pass(std::string_view method);
  /// All of one alternative has been passed: the client may come in.
  bool complete() const { return complete_; }
  /// What has been passed, in that order.
  const std::vector<std::string>& passed() const { return passed_; }
  bool has_passed(std::string_view method) const;
  /// passed() as one text: "publickey+keyboard-interactive".
  std::string text() const;

 private:
  using Chain = std::vector<std::string>;
  std::vector<Chain> open_;  // what is left of each alternative; none is empty
  std::vector<std::string> passed_;
  bool complete_ = false;
};

}  // namespace sallyport::auth

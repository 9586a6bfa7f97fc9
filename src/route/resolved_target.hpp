// A target with every placeholder filled in for one user, and the options that hold there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/config.hpp>
#include <sallyport/result.hpp>

namespace sallyport {

struct ResolvedTarget;

/// The target that another one is reached through. Two are equal when the targets are.
class ViaTarget {
 public:
  ViaTarget() = default;
  explicit ViaTarget(ResolvedTarget target);
  /// False: directly.
  explicit operator bool() const { return target_ != nullptr; }
  const ResolvedTarget& operator*() const { return *target_; }
  const ResolvedTarget* operator->() const { return target_.get(); }
  bool operator==(const ViaTarget& other) const;

 private:
  std::shared_ptr<const ResolvedTarget> target_;
};

/// Where a channel ends. A plain value: it stays valid when the configuration is reloaded.
struct ResolvedTarget {
  std::string name;  ///< the configured target's
  TargetKind kind = TargetKind::ssh;

  std::string host;  ///< kind ssh: a name or a literal address, without brackets
  std::uint16_t port = 22;
  std::string user;                     ///< login name upstream
  std::vector<Credential> credentials;  ///< in order of preference, with real paths
  std::string passphrase_file;
  std::vector<std::string> signer;  ///< with its placeholders: what fills them is known when it runs
  Duration certificate_validity{};
  std::vector<std::string> certificate_principals;
  std::string known_hosts;
  std::vector<std::string> proxy_command;  ///< empty: none
  ViaTarget via;                           ///< with the options of its own, not those of the route
  Algorithms algorithms;
  bool legacy_algorithms = false;

  LocalSettings local;  ///< kind local

  Options options;  ///< route over target over defaults

  bool operator==(const ResolvedTarget&) const = default;
};

/// What fills the placeholders of a target.
struct ResolveInput {
  std::string_view user;   ///< the client's, as parse_login_name() gave it
  std::string_view asked;  ///< the target that the client asked for; empty: {target} is the target's own name
};

/// Fills in the placeholders of `target` and settles its options, with `route_options` on top of them. Errc::denied
/// when what a placeholder becomes would not be safe there (a path, a host name, a login name).
Result<ResolvedTarget> resolve_target(const Config& config, const Target& target, const OptionOverrides& route_options,
                                      const ResolveInput& input);

/// A person may be asked something by its login, or by that of a target on the way there.
bool asks_a_person(const ResolvedTarget& target);

/// How the target is reached, for people: "proxy command", "via mid via gate"; empty when it is directly.
std::string path_of(const ResolvedTarget& target);

/// Everything in `target` that matters for sharing, in an unambiguous form: two targets are equal if and only if
/// their fingerprints are. It is an exact key and no digest, so that there are no collisions; it holds paths, no secrets.
std::string policy_fingerprint(const ResolvedTarget& target);

}  // namespace sallyport

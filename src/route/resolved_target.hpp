// Makes a ResolvedTarget of a configured one.
#pragma once

#include <string>
#include <string_view>

#include <sallyport/config.hpp>
#include <sallyport/result.hpp>
#include <sallyport/target.hpp>

namespace sallyport {

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

/// The target with what it lets a client do: nothing of how its trunks are kept, nor of how those are on the way there. Where two
/// are equal, neither grants more than the other.
ResolvedTarget rights_at(ResolvedTarget target);

}  // namespace sallyport

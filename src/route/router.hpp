// Where to: from a user, the target asked for and the source address to a target; and from a channel's request to one.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <sallyport/config.hpp>
#include <sallyport/result.hpp>

#include "match/time_window.hpp"
#include "route/resolved_target.hpp"

namespace sallyport::route {

/// Who asks for what from where. `source` is a literal address, without a port; an unreadable one is in no network.
struct RouteQuery {
  std::string user;
  std::optional<std::string> target;
  std::string source;
  bool mfa = false;                         ///< the login had one
  std::optional<config::WeekTime> at = {};  ///< when it was made; absent: no route with `valid` lets it in
};

/// The route that a connection got. It keeps the configuration by which it was made, so a reload does not change
/// the rules of a connection that is already there.
struct Decision {
  std::shared_ptr<const Config> config;
  RouteQuery query;
  std::size_t route_index = 0;  ///< in config->routes
  ResolvedTarget target;        ///< where channels go that no rule catches

  const Route& route() const { return config->routes[route_index]; }
};

/// What a client wants to do. `request` is a name of `[[route.channel]]`: shell, exec, subsystem, direct-tcpip, …
struct ChannelQuery {
  std::string_view request;
  std::string_view command = {};    ///< exec's command line
  std::string_view subsystem = {};  ///< subsystem's name
};

/// `told` is for the client: a rule's own words, or short and honest ones of ours.
struct ChannelDenied {
  std::string told;
};

struct ChannelDecision {
  std::variant<ResolvedTarget, ChannelDenied> outcome;
  std::optional<std::size_t> rule;  ///< which of the route's rules decided; absent: none matched

  /// Null when the channel was denied.
  const ResolvedTarget* target() const { return std::get_if<ResolvedTarget>(&outcome); }
  /// Null when it was not.
  const ChannelDenied* denied() const { return std::get_if<ChannelDenied>(&outcome); }
};

/// Applies one configuration's routes. Cheap to copy; thread-safe, since nothing in it changes.
class Router {
 public:
  explicit Router(std::shared_ptr<const Config> config);

  /// The first route that matches. Errc::denied without one, or when that one is not open to the login now (see
  /// unmet_requirement()); the error's detail may be told to the client as it is.
  Result<Decision> route(const RouteQuery& query) const;

  const std::shared_ptr<const Config>& config() const { return config_; }

 private:
  std::shared_ptr<const Config> config_;
};

/// Which end a channel of the connection with `decision` gets: the first rule that matches, or the route's target. A part of the
/// policy: decide() of policy.hpp is what to ask.
ChannelDecision decide_channel(const Decision& decision, const ChannelQuery& query);

}  // namespace sallyport::route

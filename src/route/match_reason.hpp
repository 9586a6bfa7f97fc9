// Why a route or a channel rule does not match: the one place that decides, for routing and for explaining.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <sallyport/config.hpp>

#include "match/match.hpp"
#include "match/time_window.hpp"
#include "route/router.hpp"

namespace sallyport::route {

/// One query, to be held against many routes: which groups its user is in is found out once. Configuration and query outlive it.
class RouteMatcher {
 public:
  RouteMatcher(const Config& config, const RouteQuery& query);

  bool matches(const Route& route) const { return compare(route) == Mismatch::none; }
  /// Nothing when the route matches; else why not, for the administrator.
  std::optional<std::string> why_no_match(const Route& route) const;

 private:
  enum class Mismatch : std::uint8_t { none, user, target, source };
  Mismatch compare(const Route& route) const;

  const RouteQuery& query_;
  std::optional<config::IpAddress> source_;
  std::set<std::string_view> groups_;
};

/// Nothing when the rule of `[[route.channel]]` matches; else why not, for the administrator.
std::optional<std::string> why_no_match(const ChannelRule& rule, const ChannelQuery& query);

/// A condition of a route that a login doesn't meet. `told` is for the client, `detail` for the log.
struct Unmet {
  std::string_view key;  ///< "valid", "require"
  std::string told;
  std::string detail;
};

/// What keeps a login from using the route that it got, at that time (see Route): these two don't choose a route, so that what
/// one route asks for isn't escaped by way of the next. Nothing when all is met. Without a time, no window is open.
std::optional<Unmet> unmet_requirement(const Route& route, const RouteQuery& login, const std::optional<config::WeekTime>& now);

/// "rule 2 (request exec, command "x*")"
std::string rule_name(std::size_t index, const ChannelRule& rule);

/// The target that `to` names for a client who asked for `asked`; null when there is none of that name.
const Target* target_named(const Config& config, const std::string& to, const std::optional<std::string>& asked);

/// What a client is told for which no route is left.
std::string no_route(const Config& config, const RouteQuery& query);

}  // namespace sallyport::route

// Why a route or a channel rule does not match: the one place that decides, for routing and for explaining.
#pragma once

#include <optional>
#include <string>

#include <sallyport/config.hpp>

#include "route/router.hpp"

namespace sallyport::route {

/// Nothing when the route matches; else why not, for the administrator.
std::optional<std::string> why_no_match(const Config& config, const Route& route, const RouteQuery& query);

/// The same for a rule of `[[route.channel]]`.
std::optional<std::string> why_no_match(const ChannelRule& rule, const ChannelQuery& query);

/// The target that `to` names for a client who asked for `asked`; null when there is none of that name.
const Target* target_named(const Config& config, const std::string& to, const std::optional<std::string>& asked);

/// What a client is told for which no route is left.
std::string no_route(const RouteQuery& query);

}  // namespace sallyport::route

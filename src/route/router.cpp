#include "route/router.hpp"

#include <cassert>
#include <utility>

#include "route/match_reason.hpp"

namespace sallyport::route {

Router::Router(std::shared_ptr<const Config> config) : config_(std::move(config)) { assert(config_ != nullptr); }

Result<Decision> Router::route(const RouteQuery& query) const {
  const RouteMatcher matcher(*config_, query);
  for (std::size_t i = 0; i < config_->routes.size(); ++i) {
    const Route& route = config_->routes[i];
    if (!matcher.matches(route)) continue;
    // From here on this route has won: a target that is not there or not usable is a refusal, not the next route's turn.
    if (const auto unmet = unmet_requirement(route, query, query.at)) return fail(Errc::denied, unmet->told);
    const Target* target = target_named(*config_, route.to, query.target);
    if (target == nullptr) return fail(Errc::denied, no_route(*config_, query));
    auto resolved =
        resolve_target(*config_, *target, route.options, {query.user, query.target ? std::string_view(*query.target) : ""});
    if (!resolved) return fail(Errc::denied, no_route(*config_, query));
    return Decision{config_, query, i, std::move(*resolved)};
  }
  return fail(Errc::denied, no_route(*config_, query));
}

ChannelDecision decide_channel(const Decision& decision, const ChannelQuery& query) {
  const Route& route = decision.route();
  for (std::size_t i = 0; i < route.channels.size(); ++i) {
    const ChannelRule& rule = route.channels[i];
    if (why_no_match(rule, query)) continue;
    if (rule.deny || !rule.to) return {ChannelDenied{rule.deny.value_or("denied")}, i};
    const RouteQuery& login = decision.query;
    const Target* target = target_named(*decision.config, *rule.to, login.target);
    if (target == nullptr) return {ChannelDenied{no_route(*decision.config, login)}, i};
    auto resolved = resolve_target(*decision.config, *target, route.options,
                                   {login.user, login.target ? std::string_view(*login.target) : ""});
    if (!resolved) return {ChannelDenied{no_route(*decision.config, login)}, i};
    return {std::move(*resolved), i};
  }
  return {decision.target, std::nullopt};
}

}  // namespace sallyport::route

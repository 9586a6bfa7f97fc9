#include "entry/admitter.hpp"

#include <optional>
#include <utility>

#include "match/time_window.hpp"
#include "route/router.hpp"

namespace sallyport::entry {

Result<auth::SlotCounter::Slot> Admitter::place_of(const std::string& user) {
  if (of_user_.count(user) >= config_->limits.max_connections_per_user)
    return fail(Errc::limit, "too many connections of this user: max_connections_per_user");
  return of_user_.take(user);
}

void Admitter::choose_route(mux::Admission& client, const std::shared_ptr<const Config>& config) const {
  route::RouteQuery query{client.user, std::nullopt, client.source.address, client.mfa,
                          config::local_week_time(clock_.wall_time())};
  if (!client.asked_target.empty()) query.target = client.asked_target;
  if (auto decision = route::Router(config).route(query)) {
    client.decision = std::move(*decision);
  } else {
    client.refusal = decision.error().detail;
  }
}

void Admitter::take_place_on_route(mux::Admission& client) {
  const std::string& route = client.decision->route().name;
  const std::uint32_t most = client.decision->target.options.max_connections;
  if (most == 0 || on_route_.count(route) < most) return client.held.push_back(on_route_.take(route));
  journal_.tell(facts::RouteFull{client.who(), route});
  client.decision.reset();
  client.refusal = "too many connections use this route: max_connections";
}

void Admitter::admit(mux::Admission client, std::unique_ptr<Transport> transport,
                     const std::shared_ptr<const Config>& logged_in_by) {
  const ConnectionId id = client.id;
  choose_route(client, logged_in_by);
  if (client.decision) take_place_on_route(client);
  // A route's own keepalive settings hold for its clients too.
  const Options& options = client.decision ? client.decision->target.options : config_->defaults;
  const mux::KeepaliveSettings keepalive{options.keepalive_interval, options.keepalive_count};
  hub_.admit(std::move(client), std::move(transport), keepalive);
  // It began before the last reload, and has been granted what that may have taken away.
  if (config_->server.on_reload == OnReload::recheck && logged_in_by != config_) recheck_.add(id);
}

}  // namespace sallyport::entry

#include "mux/admission/permission.hpp"

#include "match/time_window.hpp"

namespace sallyport::mux {

namespace {

route::Standing standing_of(const Admission& client, const Clock& clock) {
  return {.decision = client.decision ? &*client.decision : nullptr,
          .refusal = client.refusal,
          .grant = client.grant,
          .inner = client.outer.has_value(),
          .now = config::local_week_time(clock.wall_time())};
}

}  // namespace

route::Verdict ask_policy(const Admission& client, const Clock& clock, const route::Ask& ask) {
  return route::decide(standing_of(client, clock), ask);
}

std::optional<ResolvedTarget> where_programs_end(const Admission& client, const Clock& clock) {
  return route::only_end(standing_of(client, clock));
}

}  // namespace sallyport::mux

#include "mux/permission.hpp"

#include "config/time_window.hpp"

namespace sallyport::mux {

route::Verdict ask_policy(const Admission& client, const Clock& clock, const route::Ask& ask) {
  const route::Standing standing{.decision = client.decision ? &*client.decision : nullptr,
                                 .refusal = client.refusal,
                                 .grant = client.grant,
                                 .inner = client.outer.has_value(),
                                 .now = config::local_week_time(clock.wall_time())};
  return route::decide(standing, ask);
}

}  // namespace sallyport::mux

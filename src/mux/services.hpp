// What the channels of a link work with.
#pragma once

#include <sallyport/clock.hpp>
#include <sallyport/process.hpp>
#include <sallyport/stream.hpp>

#include "mux/graveyard.hpp"
#include "mux/journal.hpp"
#include "mux/pool.hpp"
#include "mux/rate_limit.hpp"

namespace sallyport::mux {

class Unattended;

/// All of it outlives them.
struct Services {
  Clock& clock;
  Graveyard& graveyard;
  Journal& journal;
  Pool& pool;
  ProcessLauncher& processes;
  StreamConnector& streams;
  RateLimiter& rates;
  Unattended& unattended;
};

}  // namespace sallyport::mux

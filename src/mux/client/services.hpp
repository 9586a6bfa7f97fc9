// What the channels of a link work with.
#pragma once

#include <sallyport/clock.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/process.hpp>
#include <sallyport/stream.hpp>

#include "mux/flow/rate_limit.hpp"
#include "mux/protocol/graveyard.hpp"
#include "mux/upstream/pool.hpp"

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

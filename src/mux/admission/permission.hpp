// How mux asks the policy (route/policy.hpp) for a client.
#pragma once

#include <sallyport/clock.hpp>

#include "mux/admission/admission.hpp"
#include "route/policy.hpp"

namespace sallyport::mux {

/// What the policy says to it now. Everything that a client wants, and what a target opens to it, is asked here.
route::Verdict ask_policy(const Admission& client, const Clock& clock, const route::Ask& ask);

/// Where all programs of the client's end; absent: nowhere, or nobody can say before they are asked for.
std::optional<ResolvedTarget> where_programs_end(const Admission& client, const Clock& clock);

}  // namespace sallyport::mux

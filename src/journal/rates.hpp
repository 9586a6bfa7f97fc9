// How much of each fact the log and the audit trail take.
#pragma once

#include <sallyport/facts.hpp>

#include "log/records.hpp"

namespace sallyport::journal {

/// For the line and the event of that fact together: one that is written, or one that is left out.
[[nodiscard]] log::Records::Note admit(log::Records& records, const Fact& fact);
/// One for whoever follows each step of channels, sessions and trunks; see Journal::follows_steps().
[[nodiscard]] bool is_step(const Fact& fact);

}  // namespace sallyport::journal

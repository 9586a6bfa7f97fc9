#include "journal/log_and_trail.hpp"

#include <variant>

#include "journal/events.hpp"
#include "journal/lines.hpp"
#include "journal/rates.hpp"

namespace sallyport::journal {

void LogAndTrail::read(const Fact& fact) {
  if (is_step(fact) && !follows_steps()) return;  // somebody else does: it is nothing that has been left out here
  log::Records::Note note = admit(records_, fact);
  if (!note) return;
  std::visit(Lines{note}, fact);
  std::visit(Events{note}, fact);
}

}  // namespace sallyport::journal

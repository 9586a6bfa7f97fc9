#include "journal/fact_journal.hpp"

#include <algorithm>

namespace sallyport::journal {

void FactJournal::tell(const Fact& fact) {
  for (FactReader* const reader : readers_) reader->read(fact);
}

bool FactJournal::healthy() const {
  return std::all_of(readers_.begin(), readers_.end(), [](const FactReader* reader) { return reader->healthy(); });
}

bool FactJournal::follows_steps() const {
  return std::any_of(readers_.begin(), readers_.end(), [](const FactReader* reader) { return reader->follows_steps(); });
}

}  // namespace sallyport::journal

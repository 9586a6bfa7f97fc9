// The facts as lines of the log and events of the audit trail.
#pragma once

#include <sallyport/journal.hpp>

#include "log/records.hpp"

namespace sallyport::journal {

/// Every fact has a line (lines.hpp), and what an audit trail is for an event as well (events.hpp). A fact is written or left out
/// as a whole, within the rates of log::Records; which one it has stands in rates.cpp.
class LogAndTrail final : public FactReader {
 public:
  /// `records` outlive it.
  explicit LogAndTrail(log::Records& records) : records_(records) {}

  void read(const Fact& fact) override;
  bool healthy() const override { return records_.audit().healthy(); }
  /// With the level trace.
  bool follows_steps() const override { return records_.log().enabled(log::Level::trace); }

 private:
  log::Records& records_;
};

}  // namespace sallyport::journal

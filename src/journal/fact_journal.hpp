// The daemon's journal.
#pragma once

#include <utility>
#include <vector>

#include <sallyport/journal.hpp>

namespace sallyport::journal {

/// Hands each fact to all who read them, in this order. Whatever one of them makes of a fact, the others get it as well.
class FactJournal final : public Journal {
 public:
  /// The readers outlive the journal.
  explicit FactJournal(std::vector<FactReader*> readers) : readers_(std::move(readers)) {}

  void tell(const Fact& fact) override;
  bool healthy() const override;
  bool follows_steps() const override;

 private:
  const std::vector<FactReader*> readers_;
};

}  // namespace sallyport::journal

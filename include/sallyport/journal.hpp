// The port through which everybody tells what happens, and that of those who want to know it.
#pragma once

#include <sallyport/facts.hpp>

namespace sallyport {

/// Belongs to one loop. Calls nothing back.
class Journal {
 public:
  virtual ~Journal() = default;
  /// Nothing of the fact is kept beyond the call.
  virtual void tell(const Fact& fact) = 0;
  /// False while facts are being lost: then nothing new may begin, no connection and no channel.
  virtual bool healthy() const = 0;
  /// Whether somebody follows each step of channels, sessions and trunks. Else the facts called …Step needn't be told, and
  /// shall not be, for there is one at every turn.
  virtual bool follows_steps() const = 0;
};

/// One who is told all facts. read() keeps nothing of the fact; std::visit with an overload for each sees to it that a reader
/// which has forgotten one doesn't compile.
class FactReader {
 public:
  virtual ~FactReader() = default;
  virtual void read(const Fact& fact) = 0;
  /// See Journal.
  virtual bool healthy() const { return true; }
  virtual bool follows_steps() const { return false; }
};

}  // namespace sallyport

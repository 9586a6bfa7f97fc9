// What the bastion itself has to say to a client, among the errors of a program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <sallyport/told.hpp>

namespace sallyport::mux {

/// Lines for the client's stderr that wait until its window has room for all of them.
class ClientNotes {
 public:
  /// Of what is told to a client that takes nothing, more is dropped.
  static constexpr std::uint32_t kMost = 4 * 1024;

  /// `told` becomes a line of the bastion's, without what a terminal might obey. A terminal that is raw wants a carriage return
  /// as well. Dropped whole when there would be too much.
  void add(Told told, bool raw_terminal);
  bool empty() const { return text_.empty(); }
  /// All of it, once, when it fits into that many bytes; else nothing.
  std::string take(std::size_t room);
  /// Forgets what is beyond so many bytes.
  void cut(std::size_t bytes);

 private:
  std::string text_;
};

}  // namespace sallyport::mux

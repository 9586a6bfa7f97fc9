// What is said to whoever is at the other end of a connection, told apart from what is said to the administrator.
#pragma once

#include <string_view>

namespace sallyport {

/// A text for a client: short, honest, without paths or other users' names. What the log is told, a `why` or a `detail`, is a
/// plain string, and becomes one of these only where somebody writes that it may be shown. A view: whoever keeps it beyond the
/// call that it came with keeps the text.
class Told {
 public:
  constexpr explicit Told(std::string_view text) : text_(text) {}
  /// For the message, and for the log, which may know what the client was told.
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

}  // namespace sallyport

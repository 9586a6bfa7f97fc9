#include "mux/session/client_notes.hpp"

#include <algorithm>
#include <utility>

#include "mux/protocol/shown_text.hpp"

namespace sallyport::mux {

void ClientNotes::add(Told told, bool raw_terminal) {
  std::string line = "sallyport: " + clean_for_terminal(told.text()) + "\r\n";
  if (!raw_terminal) std::erase(line, '\r');
  if (text_.size() + line.size() <= kMost) text_ += line;
}

std::string ClientNotes::take(std::size_t room) { return text_.size() <= room ? std::exchange(text_, {}) : std::string(); }

void ClientNotes::cut(std::size_t bytes) { text_.resize(std::min(text_.size(), bytes)); }

}  // namespace sallyport::mux

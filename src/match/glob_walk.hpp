// How globs of `*` and `?` are matched, whatever their wildcards may stand for.
#pragma once

#include <cstddef>
#include <string_view>

namespace sallyport::config {

/// Whether the glob matches the whole text. `takes(c, behind)` says whether the wildcard in front of pattern[behind] may stand
/// for c. A later wildcard must take whatever an earlier one does: then only the last star ever has to take more, since an
/// earlier one taking more gains nothing.
template <typename Takes>
bool walk_glob(std::string_view pattern, std::string_view text, Takes takes) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // behind the last one
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' ? takes(text[t], p + 1) : pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos && takes(text[star_text], star)) {
      p = star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace sallyport::config

#include "log/escape.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace sallyport::log {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kEllipsis = "…";

void append_hex(std::string& out, unsigned char byte) {
  out += "\\x";
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

/// UTF-16 units as JSON writes them.
void append_unicode_escape(std::string& out, char32_t code) {
  const auto unit = [&out](char32_t value) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[(value >> shift) & 15];
  };
  if (code >= 0x10000) {
    unit(0xd800 + ((code - 0x10000) >> 10));
    unit(0xdc00 + (code & 0x3ff));
  } else {
    unit(code);
  }
}

/// One character (or one broken byte) as escape() shows it.
void append_shown(std::string& out, std::string_view character, char32_t code) {
  switch (code) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '"': out += "\\\""; return;
    case '\'': out += "\\'"; return;
    case '\\': out += "\\\\"; return;
    default: break;
  }
  if (code < 0x20 || code == 0x7f || is_deceptive(code)) {
    for (const char byte : character) append_hex(out, static_cast<unsigned char>(byte));
  } else {
    out += character;
  }
}

/// One character as JSON shows it; an empty one stands for a broken byte.
void append_json_character(std::string& out, std::string_view character, char32_t code) {
  if (character.empty()) {
    out += "\xef\xbf\xbd";  // U+FFFD
  } else if (code == '"' || code == '\\') {
    out += '\\';
    out += character;
  } else if (code == '\n') {
    out += "\\n";
  } else if (code < 0x20 || code == 0x7f || is_deceptive(code)) {
    append_unicode_escape(out, code);
  } else {
    out += character;
  }
}

}  // namespace

bool is_deceptive(char32_t code) {
  constexpr struct {
    char32_t first;
    char32_t last;
  } kRanges[] = {
      {0x80, 0x9f},        // C1 controls: some terminals obey them
      {0xad, 0xad},        // soft hyphen
      {0x61c, 0x61c},      // Arabic letter mark
      {0x200b, 0x200f},    // zero width, direction marks
      {0x2028, 0x202e},    // line and paragraph separators, direction overrides
      {0x2060, 0x206f},    // word joiner, isolates
      {0xfeff, 0xfeff},    // byte order mark
      {0xfff9, 0xfffb},    // interlinear annotation
      {0xe0000, 0xe0fff},  // tags
  };
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [code](const auto& range) { return code >= range.first && code <= range.last; });
}

Utf8Character first_character(std::string_view text) {
  if (text.empty()) return {};
  const auto byte_at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte_at(0);
  if (lead < 0x80) return {1, lead};
  std::size_t length = 0;
  char32_t code = 0;
  char32_t smallest = 0;
  if ((lead & 0xe0) == 0xc0) {
    length = 2, code = lead & 0x1f, smallest = 0x80;
  } else if ((lead & 0xf0) == 0xe0) {
    length = 3, code = lead & 0x0f, smallest = 0x800;
  } else if ((lead & 0xf8) == 0xf0) {
    length = 4, code = lead & 0x07, smallest = 0x10000;
  } else {
    return {};
  }
  if (text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte_at(i) & 0xc0) != 0x80) return {};
    code = (code << 6) | (byte_at(i) & 0x3f);
  }
  // Overlong forms, surrogates and numbers beyond Unicode are how one character passes for another.
  if (code < smallest || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {length, code};
}

std::string escape(std::string_view text, std::size_t limit) {
  std::string out;
  out.reserve(std::min(text.size(), limit) + kEllipsis.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character character = first_character(text.substr(at));
    const std::size_t before = out.size();
    if (character.length == 0) {
      append_hex(out, static_cast<unsigned char>(text[at]));
    } else {
      append_shown(out, text.substr(at, character.length), character.code);
    }
    if (out.size() > limit) {
      out.resize(before);
      out += kEllipsis;
      break;
    }
    at += std::max<std::size_t>(character.length, 1);
  }
  return out;
}

void append_json_escaped(std::string& out, std::string_view text, std::size_t limit) {
  const std::size_t begin = out.size();
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character character = first_character(text.substr(at));
    const std::size_t before = out.size();
    append_json_character(out, text.substr(at, character.length), character.code);
    if (out.size() - begin > limit) {
      out.resize(before);
      out += kEllipsis;
      break;
    }
    at += std::max<std::size_t>(character.length, 1);
  }
}

}  // namespace sallyport::log

fmt::format_context::iterator fmt::formatter<sallyport::log::Escaped>::format(const sallyport::log::Escaped& value,
                                                                              fmt::format_context& context) const {
  const std::string text = sallyport::log::escape(value.text, value.limit);
  return std::copy(text.begin(), text.end(), context.out());
}
fmt::format_context::iterator fmt::formatter<sallyport::log::Plain>::format(const sallyport::log::Plain& value,
                                                                            fmt::format_context& context) const {
  return std::copy(value.text.begin(), value.text.end(), context.out());
}

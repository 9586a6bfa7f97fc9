#include "auth/keys/key_line.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "auth/keys/public_key.hpp"

namespace sallyport::auth {
namespace {

constexpr std::string_view kBlank = " \t";

/// Takes the word in front and the blanks behind it.
std::string_view take_word(std::string_view& text, std::size_t length) {
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(kBlank)));
  return word;
}

/// A key's blob begins with its own type (RFC 4253, 6.6).
bool blob_has_type(const Bytes& blob, std::string_view type) {
  const std::size_t size = type.size();
  if (blob.size() <= 4 + size) return false;
  const std::array<std::uint8_t, 4> length{0, 0, static_cast<std::uint8_t>(size >> 8U), static_cast<std::uint8_t>(size)};
  return std::equal(length.begin(), length.end(), blob.begin()) && text_of(ByteView(blob).subspan(4, size)) == type;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

/// The type, the key and the comment, of which `rest` is the text.
Result<> parse_key(std::string_view rest, KeyLine& line) {
  line.type = take_word(rest, rest.find_first_of(kBlank));
  auto blob = decode_base64(take_word(rest, rest.find_first_of(kBlank)));
  if (!blob) return fail(Errc::protocol, "the key is not in base64");
  if (!blob_has_type(*blob, line.type)) return fail(Errc::protocol, "the key is not of the type that it claims");
  line.blob = std::move(*blob);
  line.comment = rest;
  return {};
}

bool is_usable(std::string_view line) { return line.size() <= kMaxKeyLine && line.find('\0') == std::string_view::npos; }

}  // namespace

std::size_t end_of_options(std::string_view text) {
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') {
      ++i;
    } else if (text[i] == '"') {
      in_quotes = !in_quotes;
    } else if (!in_quotes && kBlank.find(text[i]) != std::string_view::npos) {
      return i;
    }
  }
  return in_quotes ? std::string_view::npos : text.size();
}

std::optional<Bytes> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_padding = i >= text.size() - padding;
    const int value = is_padding ? 0 : base64_value(text[i]);
    if (value < 0) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    if (i % 4 != 3) continue;
    out.push_back(static_cast<std::uint8_t>(bits >> 16U));
    out.push_back(static_cast<std::uint8_t>(bits >> 8U));
    out.push_back(static_cast<std::uint8_t>(bits));
    bits = 0;
  }
  out.resize(out.size() - padding);
  return out;
}

Result<KeyLine> parse_key_line(std::string_view line) {
  if (!is_usable(line)) return fail(Errc::protocol, "the line is too long or holds a NUL");
  KeyLine result;
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(kBlank)));
  if (key_type(line.substr(0, line.find_first_of(kBlank))) == nullptr) {
    const std::size_t end = end_of_options(line);
    if (end == std::string_view::npos) return fail(Errc::protocol, "a quotation mark is not closed");
    result.options = take_word(line, end);
  }
  if (key_type(line.substr(0, line.find_first_of(kBlank))) == nullptr) {
    return fail(Errc::protocol, "there is no key of a known type");
  }
  if (auto parsed = parse_key(line, result); !parsed) return fail(parsed.error());
  return result;
}

Result<KeyLine> parse_bare_line(std::string_view line) {
  if (!is_usable(line)) return fail(Errc::protocol, "the line is too long or holds a NUL");
  KeyLine result;
  if (auto parsed = parse_key(line, result); !parsed) return fail(parsed.error());
  return result;
}

}  // namespace sallyport::auth

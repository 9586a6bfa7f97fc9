#include "auth/key_line.hpp"

#include <algorithm>
#include <array>

namespace sallyport::auth {
namespace {

constexpr std::array<std::string_view, 7> kKeyTypes{"ssh-ed25519",
                                                    "ecdsa-sha2-nistp256",
                                                    "ecdsa-sha2-nistp384",
                                                    "ecdsa-sha2-nistp521",
                                                    "ssh-rsa",
                                                    "sk-ssh-ed25519@openssh.com",
                                                    "sk-ecdsa-sha2-nistp256@openssh.com"};

constexpr std::string_view kBlank = " \t";

bool is_key_type(std::string_view word) { return std::find(kKeyTypes.begin(), kKeyTypes.end(), word) != kKeyTypes.end(); }

/// Takes the word in front and the blanks behind it.
std::string_view take_word(std::string_view& text, std::size_t length) {
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(kBlank)));
  return word;
}

/// Where the options end: at the first blank outside quotation marks. npos when a quotation mark stays open.
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

}  // namespace

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
  KeyLine result;
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(kBlank)));
  if (!is_key_type(line.substr(0, line.find_first_of(kBlank)))) {
    const std::size_t end = end_of_options(line);
    if (end == std::string_view::npos) return fail(Errc::protocol, "a quotation mark is not closed");
    result.options = take_word(line, end);
  }
  result.type = take_word(line, line.find_first_of(kBlank));
  if (!is_key_type(result.type)) return fail(Errc::protocol, "there is no key of a known type");
  auto blob = decode_base64(take_word(line, line.find_first_of(kBlank)));
  if (!blob) return fail(Errc::protocol, "the key is not in base64");
  if (!blob_has_type(*blob, result.type)) return fail(Errc::protocol, "the key is not of the type that it claims");
  result.blob = std::move(*blob);
  result.comment = line;
  return result;
}

}  // namespace sallyport::auth

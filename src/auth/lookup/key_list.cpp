#include "auth/lookup/key_list.hpp"

#include <fmt/format.h>

#include "auth/keys/key_line.hpp"
#include "auth/keys/krl.hpp"
#include "auth/keys/lines.hpp"

namespace sallyport::auth {
namespace {

/// Whether a line of revoked_keys is that key, or a certificate of it. Keys of a type that can't log in revoke nothing.
Result<bool> line_revokes(std::string_view text, const PublicKey& key) {
  const auto line = parse_bare_line(text);
  if (!line) return fail(line.error());
  if (is_certificate(line->blob)) {
    const auto listed = parse_certificate(line->blob);
    if (!listed) return fail(listed.error());
    return listed->key == key;
  }
  if (key_type(line->type) == nullptr) return false;
  const auto listed = PublicKey::parse(line->blob);
  if (!listed) return fail(listed.error());
  return *listed == key;
}

}  // namespace

bool lists_key(std::string_view text, std::string_view file, const PublicKey& key, KeyWarnings& warnings) {
  Lines lines(text);
  while (const auto line = lines.next()) {
    const auto parsed = parse_bare_line(*line);
    if (!parsed) {
      warnings.add(file, lines.number(), parsed.error().detail);
    } else if (parsed->blob == key.blob()) {
      return true;
    }
  }
  return false;
}

Result<bool> revokes(std::string_view contents, const PublicKey& key, const Certificate* certificate) {
  if (is_krl(bytes_of(contents))) return krl_revokes(bytes_of(contents), key, certificate);
  bool found = false;
  Lines lines(contents);
  while (const auto line = lines.next()) {
    const auto revoked = line_revokes(*line, key);
    if (!revoked) return fail(Errc::protocol, fmt::format("line {}: {}", lines.number(), revoked.error().detail));
    found = found || *revoked;
  }
  return found;
}

}  // namespace sallyport::auth

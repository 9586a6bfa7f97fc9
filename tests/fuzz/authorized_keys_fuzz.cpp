// authorized_keys and files of principals: nothing may crash, and only lines with exactly the key that was asked for, or with
// its authority's, let anybody in.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/keys/key_line.hpp"
#include "auth/keys/lines.hpp"
#include "auth/lookup/authorized_keys.hpp"
#include "auth/lookup/key_list.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::auth;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  KeyQuery query;
  query.user = "alice";
  query.source = "10.1.2.3";
  query.now = WallTime(std::chrono::hours(24 * 365 * 50));
  // The key of the first line, so that the options of a line are read as well.
  Lines lines(text);
  const auto first = lines.next();
  const auto line = first ? parse_key_line(*first) : sallyport::fail(sallyport::Errc::not_found, {});
  if (!line) return 0;
  const auto key = PublicKey::parse(line->blob);
  if (!key) return 0;
  KeyWarnings warnings;
  const std::vector<std::string> environment{"LC_*"};
  const KeyFinding plain = search_keys(text, "f", {query, *key, nullptr, environment}, warnings);
  if (plain.grant && plain.grant->certificate) std::abort();
  // The same key as the authority of a certificate, whose signature is wrong.
  Certificate certificate{.key = *key, .authority = *key};
  certificate.type = 1;
  certificate.principals = {"alice"};
  certificate.valid_before = ~std::uint64_t{0};
  CertificateLogin login(certificate, query, 1024);
  const KeySearch search{query, *key, &login, environment};
  if (search_keys(text, "f", search, warnings).grant || search_principals(text, "f", search, warnings).grant) std::abort();
  static_cast<void>(revokes(text, *key, &certificate).has_value());
  return 0;
}

// Certificates: nothing may crash, and what has been taken apart is checked to its end.
#include <cstdint>
#include <cstdlib>

#include "auth/keys/certificate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::auth;
  const sallyport::ByteView blob(data, size);
  const auto certificate = parse_certificate(blob);
  const auto key = PublicKey::parse(blob);
  if (!certificate) return 0;
  if (key || !is_certificate(blob) || certificate->principals.size() > kMaxPrincipals) std::abort();
  KeyQuery query;
  query.user = "alice";
  query.source = "10.1.2.3";
  query.now = WallTime(std::chrono::hours(24 * 365 * 55));
  const auto grant = check_certificate(*certificate, query, 1024);
  if (grant && !grant->certificate) std::abort();
  return 0;
}

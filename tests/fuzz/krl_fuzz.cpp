// Key revocation lists: nothing may crash, and what a list says doesn't depend on anything but the list.
#include <cstdint>
#include <cstdlib>

#include "auth/keys/krl.hpp"
#include "wire/encoding.hpp"

namespace {

sallyport::auth::PublicKey key_of(std::uint8_t byte) {
  sallyport::wire::Writer writer;
  writer.string("ssh-ed25519").string(sallyport::Bytes(32, byte));
  return *sallyport::auth::PublicKey::parse(writer.bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::auth;
  const sallyport::ByteView list(data, size);
  Certificate certificate{.key = key_of(1), .authority = key_of(2)};
  certificate.serial = 1000;
  certificate.key_id = "thief";
  const auto plain = krl_revokes(list, certificate.key, nullptr);
  const auto certified = krl_revokes(list, certificate.key, &certificate);
  // A certificate is revoked by more, and a list is as good or bad for the one as for the other.
  if (plain.has_value() != certified.has_value() || (plain && *plain && !*certified)) std::abort();
  if (plain && !is_krl(list)) std::abort();
  return 0;
}

#include "ssh/downstream/signature_cost.hpp"

#include <bit>

#include "wire/encoding.hpp"

namespace sallyport::ssh {
namespace {

// Of a positive number (RFC 4251, section 5).
std::size_t bits_of(ByteView mpint) {
  while (!mpint.empty() && mpint.front() == 0) mpint = mpint.subspan(1);
  return mpint.empty() ? 0 : (mpint.size() - 1) * 8 + static_cast<std::size_t>(std::bit_width(mpint.front()));
}

}  // namespace

bool is_costly_to_verify(ByteView key_blob) {
  wire::Reader reader{key_blob};
  const std::string_view type = reader.text();
  if (type == "ssh-rsa-cert-v01@openssh.com") {
    static_cast<void>(reader.string());  // its nonce
  } else if (type != "ssh-rsa") {
    return false;
  }
  const ByteView exponent = reader.string();
  const ByteView modulus = reader.string();
  return bits_of(modulus) > kCheapRsaBits || bits_of(exponent) > kCheapRsaExponentBits;
}

}  // namespace sallyport::ssh

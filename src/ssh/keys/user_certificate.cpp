#include "ssh/keys/user_certificate.hpp"

#include <libssh/libssh.h>
#include <openssl/rand.h>

#include <array>
#include <string_view>

#include "ssh/keys/base64.hpp"
#include "ssh/keys/signature.hpp"
#include "wire/encoding.hpp"

namespace sallyport::ssh {
namespace {

constexpr std::string_view kType = "ssh-ed25519-cert-v01@openssh.com";
constexpr std::uint32_t kUserCertificate = 1;
constexpr std::size_t kNonceSize = 32;
// In alphabetical order, as the format demands. What the client may do is the bastion's decision, made before.
constexpr std::array<std::string_view, 5> kExtensions{"permit-X11-forwarding", "permit-agent-forwarding",
                                                      "permit-port-forwarding", "permit-pty", "permit-user-rc"};

void uint64(wire::Writer& out, std::uint64_t value) {
  out.uint32(static_cast<std::uint32_t>(value >> 32)).uint32(static_cast<std::uint32_t>(value));
}

std::uint64_t seconds_since_epoch(std::chrono::system_clock::time_point time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

Result<> add_certificate(const KeyHandle& key, const char* base64, enum ssh_keytypes_e type) {
  ssh_key raw = nullptr;
  if (ssh_pki_import_cert_base64(base64, type, &raw) != SSH_OK) return fail(Errc::config, "not a certificate");
  const KeyHandle certificate{raw};
  if (ssh_pki_copy_cert_to_privkey(certificate.get(), key.get()) != SSH_OK)
    return fail(Errc::config, "not a certificate of this key");
  return {};
}

}  // namespace

Result<KeyHandle> make_ephemeral_key() {
  ensure_libssh();
  ssh_key raw = nullptr;
  if (ssh_pki_generate_key(SSH_KEYTYPE_ED25519, nullptr, &raw) != SSH_OK) return fail(Errc::unavailable, "no key could be made");
  return KeyHandle{raw};
}

Result<> issue_certificate(const KeyHandle& key, const KeyHandle& authority, const CertificateRequest& request,
                           std::chrono::system_clock::time_point now) {
  if (request.principals.empty()) return fail(Errc::config, "a certificate without principals is not issued");
  const Bytes blob = public_blob_of(key.get());
  wire::Reader reader(blob);
  reader.string();  // its type
  const ByteView point = reader.string();
  std::array<std::uint8_t, kNonceSize + 8> random{};
  if (!reader.at_end() || RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    return fail(Errc::unavailable, "no certificate could be made");

  wire::Writer principals;
  for (const std::string& principal : request.principals) principals.string(principal);
  wire::Writer extensions;
  for (const std::string_view extension : kExtensions) extensions.string(extension).string(std::string_view{});
  wire::Writer out;
  out.string(kType).string(ByteView(random).first(kNonceSize)).string(point);
  out.raw(ByteView(random).subspan(kNonceSize));  // the serial number
  out.uint32(kUserCertificate).string(request.identity).string(principals.bytes());
  uint64(out, seconds_since_epoch(now - kClockSkew));
  uint64(out, seconds_since_epoch(now + request.validity));
  out.string(ByteView{}).string(extensions.bytes()).string(ByteView{});  // critical options, extensions, reserved
  out.string(public_blob_of(authority.get()));
  const Bytes signature = sign(authority, out.bytes());
  if (signature.empty()) return fail(Errc::config, "the key of the certificate authority can't sign");
  out.string(signature);
  return add_certificate(key, base64_encode(out.bytes()).c_str(), SSH_KEYTYPE_ED25519_CERT01);
}

Result<> adopt_certificate(const KeyHandle& key, const std::string& line) {
  const auto space = line.find(' ');
  if (space == std::string::npos) return fail(Errc::config, "not a certificate");
  const auto end = line.find_first_of(" \r\n", space + 1);
  const auto type = ssh_key_type_from_name(line.substr(0, space).c_str());
  return add_certificate(key, line.substr(space + 1, end - space - 1).c_str(), type);
}

std::string public_key_line(const KeyHandle& key) {
  return std::string{ssh_key_type_to_char(ssh_key_type(key.get()))} + " " + base64_encode(public_blob_of(key.get()));
}

}  // namespace sallyport::ssh

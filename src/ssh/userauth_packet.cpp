#include "ssh/userauth_packet.hpp"

namespace sallyport::ssh {
namespace {

// Reads from the front of a view; after the first thing that isn't there nothing is.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  std::uint8_t byte() {
    if (bytes_.empty()) ok_ = false;
    if (!ok_) return 0;
    const std::uint8_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  ByteView string() {
    std::size_t length = 0;
    for (int i = 0; i < 4; ++i) length = length << 8 | byte();
    if (length > bytes_.size()) ok_ = false;
    if (!ok_) return {};
    const ByteView value = bytes_.first(length);
    bytes_ = bytes_.subspan(length);
    return value;
  }
  // A NUL would make libssh, which reads C strings, see another text than we do.
  std::string text() {
    const ByteView value = string();
    const std::string text{text_of(value)};
    if (text.find('\0') != std::string::npos) ok_ = false;
    return text;
  }

 private:
  ByteView bytes_;
  bool ok_ = true;
};

// RFC 4253, 6.6; PROTOCOL.u2f: after an authenticator's signature come its flags and counter.
bool parse_signature(ByteView bytes, UserauthPacket& packet) {
  Reader signature{bytes};
  packet.signature_algorithm = signature.text();
  static_cast<void>(signature.string());
  if (packet.signature_algorithm.starts_with("sk-")) packet.sk_flags = signature.byte();
  return signature.ok();
}

}  // namespace

std::optional<UserauthPacket> parse_userauth(ByteView payload) {
  Reader reader{payload};
  static_cast<void>(reader.byte());  // the type
  UserauthPacket packet;
  packet.user = reader.text();
  packet.service = reader.text();
  packet.method = reader.text();
  if (!reader.ok()) return std::nullopt;
  if (!packet.is_publickey()) return packet;
  packet.has_signature = reader.byte() != 0;
  packet.algorithm = reader.text();
  const ByteView blob = reader.string();
  packet.blob.assign(blob.begin(), blob.end());
  if (packet.method != "publickey") static_cast<void>(reader.string());  // the host key that the signature is bound to
  if (packet.has_signature && !parse_signature(reader.string(), packet)) return std::nullopt;
  if (!reader.ok()) return std::nullopt;
  return packet;
}

}  // namespace sallyport::ssh

#include "ssh/downstream/userauth_packet.hpp"

#include <algorithm>

#include "ssh/keys/algorithms.hpp"
#include "wire/encoding.hpp"

namespace sallyport::ssh {
namespace {

// RFC 4252, section 6; RFC 4256, section 5
constexpr std::uint8_t kMsgFailure = 51;
constexpr std::uint8_t kMsgBanner = 53;
constexpr std::uint8_t kMsgPkOk = 60;
constexpr std::uint8_t kMsgPasswordChange = 60;
constexpr std::uint8_t kMsgInfoRequest = 60;

constexpr std::size_t kBannerPiece = 32 * 1024 - 64;
constexpr std::string_view kNoLanguage;  // the tag of texts for people

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
  std::uint32_t uint32() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return value;
  }
  ByteView string() {
    const std::size_t length = uint32();
    if (length > bytes_.size()) ok_ = false;
    if (!ok_) return {};
    const ByteView value = bytes_.first(length);
    bytes_ = bytes_.subspan(length);
    return value;
  }
  // A NUL would make libssh, which reads C strings, see another text than we do.
  std::string text() {
    const ByteView value = string();
    std::string text{text_of(value)};
    if (text.find('\0') != std::string::npos) ok_ = false;
    return text;
  }

 private:
  ByteView bytes_;
  bool ok_ = true;
};

void parse_password(Reader& reader, UserauthPacket& packet) {
  const bool changes = reader.byte() != 0;
  packet.password = std::make_shared<const SecretString>(text_of(reader.string()));
  if (changes) packet.new_password = std::make_shared<const SecretString>(text_of(reader.string()));
}

// RFC 4253, 6.6; PROTOCOL.u2f: after an authenticator's signature come its flags and counter.
bool parse_signature(ByteView bytes, UserauthPacket& packet) {
  Reader signature{bytes};
  packet.signature_algorithm = signature.text();
  static_cast<void>(signature.string());
  if (packet.signature_algorithm.starts_with("sk-")) packet.sk_flags = signature.byte();
  return signature.ok();
}

}  // namespace

std::string_view UserauthPacket::blob_type() const {
  Reader reader{blob};
  const ByteView type = reader.string();
  return reader.ok() ? text_of(type) : std::string_view{};
}

std::optional<UserauthPacket> parse_userauth(ByteView payload) {
  Reader reader{payload};
  static_cast<void>(reader.byte());  // the type
  UserauthPacket packet;
  packet.user = reader.text();
  packet.service = reader.text();
  packet.method = reader.text();
  if (!reader.ok()) return std::nullopt;
  if (packet.method == "password") {
    parse_password(reader, packet);
  } else if (packet.method == "keyboard-interactive") {
    static_cast<void>(reader.string());  // language tag
    static_cast<void>(reader.string());  // submethods: a hint, which may be ignored
  }
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

std::optional<std::vector<SecretString>> parse_info_response(ByteView payload) {
  Reader reader{payload};
  static_cast<void>(reader.byte());  // the type
  const std::uint32_t count = reader.uint32();
  if (!reader.ok() || count > kMaxInfoResponses) return std::nullopt;
  std::vector<SecretString> answers;
  answers.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const ByteView answer = reader.string();
    if (!reader.ok()) return std::nullopt;
    answers.emplace_back(text_of(answer));
  }
  return answers;
}

Bytes info_request_packet(const InfoRequest& request) {
  wire::Writer payload;
  payload.byte(kMsgInfoRequest).string(request.name).string(request.instruction).string(kNoLanguage);
  payload.uint32(static_cast<std::uint32_t>(request.prompts.size()));
  for (const InfoRequest::Prompt& prompt : request.prompts) payload.string(prompt.text).boolean(prompt.echo);
  return payload.take();
}

Bytes password_change_packet(std::string_view prompt) {
  return wire::Writer().byte(kMsgPasswordChange).string(prompt).string(kNoLanguage).take();
}

Bytes userauth_failure_packet(const std::vector<std::string>& can_continue, bool partial_success) {
  return wire::Writer().byte(kMsgFailure).string(name_list(can_continue)).boolean(partial_success).take();
}

Bytes pk_ok_packet(std::string_view algorithm, ByteView blob) {
  return wire::Writer().byte(kMsgPkOk).string(algorithm).string(blob).take();
}

std::string_view take_banner_piece(std::string_view& text) {
  std::size_t size = std::min(text.size(), kBannerPiece);
  const auto is_inside = [&text](std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
  };
  for (int i = 0; i < 3 && is_inside(size); ++i) --size;
  const std::string_view piece = text.substr(0, size);
  text.remove_prefix(size);
  return piece;
}

Bytes banner_packet(std::string_view text) { return wire::Writer().byte(kMsgBanner).string(text).string(kNoLanguage).take(); }

}  // namespace sallyport::ssh

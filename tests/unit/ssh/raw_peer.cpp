#include "raw_peer.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>

#include "ssh/keys/base64.hpp"
#include "wire/encoding.hpp"

namespace sallyport::ssh::test {
namespace {

constexpr std::uint8_t kDisconnect = 1;
constexpr std::uint8_t kKexinit = 20;
constexpr std::uint8_t kEcdhInit = 30;
constexpr std::uint8_t kEcdhReply = 31;
constexpr std::size_t kKeySize = 16;
constexpr std::size_t kIvSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kBlockSize = 16;

struct PkeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Pkey = std::unique_ptr<EVP_PKEY, PkeyDeleter>;

Pkey make_pkey(int type) {
  EVP_PKEY* key = nullptr;
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_id(type, nullptr);
  EXPECT_EQ(EVP_PKEY_keygen_init(context), 1);
  EXPECT_EQ(EVP_PKEY_keygen(context, &key), 1);
  EVP_PKEY_CTX_free(context);
  return Pkey{key};
}

Bytes public_half(const Pkey& key) {
  Bytes raw(32);
  std::size_t size = raw.size();
  EXPECT_EQ(EVP_PKEY_get_raw_public_key(key.get(), raw.data(), &size), 1);
  return raw;
}

Bytes shared_secret(const Pkey& ours, ByteView theirs) {
  const Pkey peer{EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, theirs.data(), theirs.size())};
  Bytes secret(32);
  std::size_t size = secret.size();
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(ours.get(), nullptr);
  EXPECT_EQ(EVP_PKEY_derive_init(context), 1);
  EXPECT_EQ(EVP_PKEY_derive_set_peer(context, peer.get()), 1);
  EXPECT_EQ(EVP_PKEY_derive(context, secret.data(), &size), 1);
  EVP_PKEY_CTX_free(context);
  return secret;
}

Bytes sha256_of(ByteView bytes) {
  Bytes digest(32);
  EXPECT_EQ(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr), 1);
  return digest;
}

const Pkey& host_key() {
  static const Pkey key = make_pkey(EVP_PKEY_ED25519);
  return key;
}

Bytes host_key_blob() { return wire::Writer().string(std::string_view{"ssh-ed25519"}).string(public_half(host_key())).take(); }

// RFC 4251, section 5: as positive numbers stand on the wire.
Bytes mpint(ByteView magnitude) {
  while (!magnitude.empty() && magnitude.front() == 0) magnitude = magnitude.subspan(1);
  Bytes number;
  if (!magnitude.empty() && magnitude.front() >= 0x80) number.push_back(0);
  number.insert(number.end(), magnitude.begin(), magnitude.end());
  return wire::Writer().string(number).take();
}

}  // namespace

struct RawPeer::Keys {
  struct Direction {
    Bytes key;
    Bytes iv;
    bool used = false;

    // RFC 5647, 7.1: the last eight bytes of the nonce count.
    void next() {
      for (std::size_t i = kIvSize; i-- > 4;) {
        if (++iv[i] != 0) break;
      }
    }
  };

  Pkey exchange = make_pkey(EVP_PKEY_X25519);
  Direction out;
  Direction in;
};

RawPeer::RawPeer(net::Fd fd, Role role, Manners manners)
    : fd_(std::move(fd)), role_(role), manners_(std::move(manners)), keys_(std::make_unique<Keys>()) {
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  EXPECT_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  constexpr std::array<std::uint8_t, 16> kCookie{};
  constexpr std::string_view kCipher = "aes128-gcm@openssh.com";
  constexpr std::string_view kMac = "hmac-sha2-256";
  wire::Writer kexinit;
  kexinit.byte(kKexinit).raw(kCookie).string(manners_.kex_names).string(std::string_view{"ssh-ed25519"});
  kexinit.string(kCipher).string(kCipher).string(kMac).string(kMac);
  kexinit.string(std::string_view{"none"}).string(std::string_view{"none"}).string(std::string_view{}).string(std::string_view{});
  our_kexinit_ = kexinit.boolean(manners_.first_packet_follows).uint32(0).take();
}
RawPeer::~RawPeer() = default;

void RawPeer::identify() {
  write_all(bytes_of(our_identification_ + "\r\n"));
  std::uint8_t byte = 0;
  while (read_exactly(&byte, 1) && byte != '\n') peer_identification_.push_back(static_cast<char>(byte));
  if (peer_identification_.ends_with('\r')) peer_identification_.pop_back();
}

void RawPeer::send(ByteView payload) { write_all(packet_of(payload)); }

void RawPeer::send(ByteView first, ByteView second) {
  Bytes both = packet_of(first);
  const Bytes rest = packet_of(second);
  both.insert(both.end(), rest.begin(), rest.end());
  write_all(both);
}

Bytes RawPeer::packet_of(ByteView payload) {
  // RFC 4253, section 6; RFC 5647: with GCM the length isn't encrypted, and doesn't count.
  const bool encrypted = keys_->out.used;
  const std::size_t block = encrypted ? kBlockSize : 8;
  const std::size_t used = (encrypted ? 0 : 4) + 1 + payload.size();
  std::size_t padding = block - used % block;
  if (padding < 4) padding += block;
  const Bytes zeros(padding);
  Bytes packet = wire::Writer().uint32(static_cast<std::uint32_t>(1 + payload.size() + padding)).take();
  const Bytes content = wire::Writer().byte(static_cast<std::uint8_t>(padding)).raw(payload).raw(zeros).take();
  if (!encrypted) {
    packet.insert(packet.end(), content.begin(), content.end());
    return packet;
  }
  Bytes sealed(content.size() + kTagSize);
  int size = 0;
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, keys_->out.key.data(), keys_->out.iv.data());
  EVP_EncryptUpdate(context, nullptr, &size, packet.data(), 4);
  EVP_EncryptUpdate(context, sealed.data(), &size, content.data(), static_cast<int>(content.size()));
  EVP_EncryptFinal_ex(context, sealed.data() + size, &size);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTagSize, sealed.data() + content.size());
  EVP_CIPHER_CTX_free(context);
  keys_->out.next();
  packet.insert(packet.end(), sealed.begin(), sealed.end());
  return packet;
}

std::optional<Bytes> RawPeer::receive() {
  std::array<std::uint8_t, 4> head{};
  if (!read_exactly(head.data(), head.size())) return std::nullopt;
  const std::size_t length = wire::Reader{head}.uint32();
  if (length < 2 || length > 100'000) return std::nullopt;
  Bytes content(length);
  if (!read_exactly(content.data(), content.size())) return std::nullopt;
  if (keys_->in.used) {
    std::array<std::uint8_t, kTagSize> tag{};
    if (!read_exactly(tag.data(), tag.size())) return std::nullopt;
    int size = 0;
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), nullptr, keys_->in.key.data(), keys_->in.iv.data());
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data());
    EVP_DecryptUpdate(context, nullptr, &size, head.data(), 4);
    EVP_DecryptUpdate(context, content.data(), &size, content.data(), static_cast<int>(content.size()));
    const bool genuine = EVP_DecryptFinal_ex(context, content.data() + size, &size) == 1;
    EVP_CIPHER_CTX_free(context);
    EXPECT_TRUE(genuine) << "the other side's packet doesn't decrypt";
    if (!genuine) return std::nullopt;
    keys_->in.next();
  }
  const std::size_t padding = content.front();
  if (padding + 2 > content.size()) return std::nullopt;
  Bytes payload(content.begin() + 1, content.end() - static_cast<std::ptrdiff_t>(padding));
  ++heard_[payload.front()];
  if (payload.front() == kDisconnect) farewell_ = text_of(ByteView{payload}.subspan(1));
  if (payload.front() == kKexinit) peer_kexinit_ = payload;
  if (payload.front() == kEcdhInit) peer_ecdh_init_ = payload;
  return payload;
}

std::optional<Bytes> RawPeer::receive(std::uint8_t type) {
  std::optional<Bytes> message = receive();
  while (message && message->front() != type) message = receive();
  return message;
}

bool RawPeer::is_left() {
  while (receive()) {
  }
  return ended_;
}

Bytes RawPeer::ecdh_init() const { return wire::Writer().byte(kEcdhInit).string(public_half(keys_->exchange)).take(); }

std::string RawPeer::host_key_line() { return "ssh-ed25519 " + base64_encode(host_key_blob()); }

// RFC 5656, section 4 and RFC 4253, 7.2. Fills `keys_`; the hash is kept as a first exchange's, the session identifier.
void RawPeer::agree(ByteView client_public, ByteView server_public, ByteView host_key, ByteView shared) {
  const bool is_client = role_ == Role::client;
  const Bytes secret = mpint(shared);
  wire::Writer hashed;
  hashed.string(is_client ? our_identification_ : peer_identification_);
  hashed.string(is_client ? peer_identification_ : our_identification_);
  hashed.string(is_client ? our_kexinit_ : peer_kexinit_).string(is_client ? peer_kexinit_ : our_kexinit_);
  hashed.string(host_key).string(client_public).string(server_public).raw(secret);
  session_id_ = sha256_of(hashed.bytes());
  const auto derive = [&](char letter, std::size_t size) {
    Bytes key =
        sha256_of(wire::Writer().raw(secret).raw(session_id_).byte(static_cast<std::uint8_t>(letter)).raw(session_id_).bytes());
    key.resize(size);
    return key;
  };
  Keys::Direction& to_server = is_client ? keys_->out : keys_->in;
  Keys::Direction& to_client = is_client ? keys_->in : keys_->out;
  to_server = {.key = derive('C', kKeySize), .iv = derive('A', kIvSize)};
  to_client = {.key = derive('D', kKeySize), .iv = derive('B', kIvSize)};
}

void RawPeer::take_reply(ByteView reply) {
  wire::Reader reader{reply};
  EXPECT_EQ(reader.byte(), kEcdhReply);
  const ByteView host_key = reader.string();
  const ByteView server_public = reader.string();
  EXPECT_TRUE(reader.ok());
  if (server_public.size() != 32) return;
  agree(public_half(keys_->exchange), server_public, host_key, shared_secret(keys_->exchange, server_public));
}

Bytes RawPeer::ecdh_reply() {
  wire::Reader reader{peer_ecdh_init_};
  static_cast<void>(reader.byte());
  const ByteView client_public = reader.string();
  EXPECT_EQ(client_public.size(), 32U);
  if (client_public.size() != 32) return {};
  const Bytes server_public = public_half(keys_->exchange);
  agree(client_public, server_public, host_key_blob(), shared_secret(keys_->exchange, client_public));
  Bytes raw(64);
  std::size_t size = raw.size();
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EXPECT_EQ(EVP_DigestSignInit(context, nullptr, nullptr, nullptr, host_key().get()), 1);
  EXPECT_EQ(EVP_DigestSign(context, raw.data(), &size, session_id_.data(), session_id_.size()), 1);
  EVP_MD_CTX_free(context);
  const Bytes signature = wire::Writer().string(std::string_view{"ssh-ed25519"}).string(raw).take();
  return wire::Writer().byte(kEcdhReply).string(host_key_blob()).string(server_public).string(signature).take();
}

void RawPeer::use_keys_out() { keys_->out.used = true; }
void RawPeer::use_keys_in() { keys_->in.used = true; }

bool RawPeer::read_exactly(std::uint8_t* to, std::size_t count) {
  while (count > 0) {
    const ssize_t got = ::recv(fd_.get(), to, count, 0);
    if (got <= 0) {
      ended_ = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
      return false;
    }
    to += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

void RawPeer::write_all(ByteView bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

}  // namespace sallyport::ssh::test

// A peer whose first key exchange a test writes message by message. libssh's own can't be made to break its rules, nor
// to do without the marker of the strict exchange. Blocks, on a thread of its own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sallyport/bytes.hpp>

#include "net/loop/fd.hpp"

namespace sallyport::ssh::test {

/// Speaks curve25519-sha256, ssh-ed25519 and aes128-gcm@openssh.com, and nothing else.
class RawPeer {
 public:
  enum class Role : std::uint8_t { client, server };
  struct Manners {
    std::string kex_names = "curve25519-sha256";  ///< as its KEXINIT has them
    bool first_packet_follows = false;
  };

  RawPeer(net::Fd fd, Role role, Manners manners);
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  /// Sends our identification and reads the other one.
  void identify();
  /// One message. Whether it arrives is not told.
  void send(ByteView payload);
  /// Two that arrive together.
  void send(ByteView first, ByteView second);
  /// The next message; nothing when the other side has ended the connection, or has been silent for long.
  std::optional<Bytes> receive();
  /// The next message of the type. Others are passed over.
  std::optional<Bytes> receive(std::uint8_t type);
  /// True when the other side ends the connection, whatever it says before. False when it only falls silent.
  bool is_left();
  /// How many messages of the type have been received.
  int heard(std::uint8_t type) const { return heard_[type]; }
  /// The text of the DISCONNECT that has come.
  const std::string& farewell() const { return farewell_; }

  // The messages of the exchange, to be sent by send().
  Bytes kexinit() const { return our_kexinit_; }
  Bytes ecdh_init() const;
  /// Server: what answers the client's KEXINIT and ECDH_INIT, both of which have been received.
  Bytes ecdh_reply();
  /// Client: takes the server's.
  void take_reply(ByteView reply);
  /// NEWKEYS has been sent, or has come.
  void use_keys_out();
  void use_keys_in();

  /// The host key of all servers, as a line of known_hosts has it behind the host's name.
  static std::string host_key_line();

 private:
  struct Keys;
  void agree(ByteView client_public, ByteView server_public, ByteView host_key, ByteView shared);
  Bytes packet_of(ByteView payload);
  bool read_exactly(std::uint8_t* to, std::size_t count);
  void write_all(ByteView bytes) const;

  net::Fd fd_;
  const Role role_;
  const Manners manners_;
  std::string our_identification_ = "SSH-2.0-raw";
  std::string peer_identification_;
  Bytes our_kexinit_;
  Bytes peer_kexinit_;
  Bytes peer_ecdh_init_;
  Bytes session_id_;
  std::array<int, 256> heard_{};
  std::string farewell_;
  bool ended_ = false;
  std::unique_ptr<Keys> keys_;
};

}  // namespace sallyport::ssh::test

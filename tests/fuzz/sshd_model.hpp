// What OpenSSH makes of messages 80 to 100: where it ends the connection, and what it understands and does.
//
// Written from RFC 4254, OpenSSH's PROTOCOL and what sshd and ssh are seen to do; it shares no code with the daemon,
// whose parsers it is held against. Flow control isn't part of it: the relay's own fuzz target looks after that.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>

namespace sallyport::fuzz {

/// Something that a peer was asked for, as it understood it, and did.
struct Deed {
  std::string what;      ///< "exec", "pty-req", "direct-tcpip", "tcpip-forward", …
  std::string argument;  ///< the command, the name of the subsystem, signal or variable, "host:port", the path
  std::uint32_t channel = 0;
  bool operator==(const Deed&) const = default;
};

/// sshd, which permits everything, as the peer of a client.
class SshdModel {
 public:
  /// Takes one message and gives its answers.
  std::vector<Bytes> receive(const Bytes& message);

  /// Why it has ended the connection; absent: it hasn't.
  const std::optional<std::string>& ended() const { return ended_; }
  const std::vector<Deed>& deeds() const { return deeds_; }
  /// Its own numbers of the channels that are open, and the peer's.
  std::map<std::uint32_t, std::uint32_t> numbers() const;

 private:
  class Packet;
  struct Channel {
    std::uint32_t peers = 0;
    bool session = false;
    bool larval = false;  ///< a session without a program
    bool terminal = false;
    bool close_received = false;
  };

  void open(Packet& packet);
  void global_request(Packet& packet);
  void channel_request(Packet& packet);
  bool session_request(std::uint32_t number, Channel& channel, const std::string& type, Packet& packet);
  bool terminal_modes(const std::string& modes);
  void done(std::string what, std::string argument, std::uint32_t channel = 0);
  /// Ends the connection.
  void end(std::string why);
  /// What was read is all that may have come.
  void expect_end(const Packet& packet, const char* where);
  Channel* channel_of(Packet& packet, const char* where);

  std::map<std::uint32_t, Channel> channels_;
  std::uint32_t next_number_ = 40;
  std::vector<Bytes> answers_;
  std::vector<Deed> deeds_;
  std::optional<std::string> ended_;
  bool no_more_sessions_ = false;
};

/// ssh, as the peer of a server: why it would end the connection over the message; absent: it wouldn't.
std::optional<std::string> ssh_ends_over(const Bytes& message);

}  // namespace sallyport::fuzz

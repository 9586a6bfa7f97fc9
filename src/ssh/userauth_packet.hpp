// USERAUTH_REQUEST as it stands on the wire (RFC 4252, sections 5 and 7). Pure.
#pragma once

#include <optional>
#include <string>

#include <sallyport/bytes.hpp>

namespace sallyport::ssh {

struct UserauthPacket {
  std::string user;
  std::string service;
  std::string method;
  // Methods "publickey" and "publickey-hostbound-v00@openssh.com" only.
  std::string algorithm;
  Bytes blob;
  bool has_signature = false;
  std::string signature_algorithm;       ///< as the signature itself names it
  std::optional<std::uint8_t> sk_flags;  ///< of an authenticator's signature: 1 user present, 4 user verified
  bool is_publickey() const { return method == "publickey" || method == "publickey-hostbound-v00@openssh.com"; }
};

/// Nothing when the message is malformed.
std::optional<UserauthPacket> parse_userauth(ByteView payload);

}  // namespace sallyport::ssh

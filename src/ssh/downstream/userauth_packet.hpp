// The messages of user authentication as they stand on the wire (RFC 4252, RFC 4256). Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/secret.hpp>
#include <sallyport/userauth.hpp>

namespace sallyport::ssh {

/// USERAUTH_REQUEST (RFC 4252, sections 5, 7 and 8; RFC 4256, section 3.1).
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
  // Method "password" only.
  std::shared_ptr<const SecretString> password;      ///< may be empty, or hold a zero
  std::shared_ptr<const SecretString> new_password;  ///< null: it isn't to be changed

  /// The type that the key itself names; empty when it names none.
  std::string_view blob_type() const;
  bool is_publickey() const { return method == "publickey" || method == "publickey-hostbound-v00@openssh.com"; }
};

/// Nothing when the message is malformed.
std::optional<UserauthPacket> parse_userauth(ByteView payload);

/// More answers than anybody asks for.
inline constexpr std::uint32_t kMaxInfoResponses = 64;

/// INFO_RESPONSE's answers. Nothing when the message is malformed or there are more than kMaxInfoResponses.
std::optional<std::vector<SecretString>> parse_info_response(ByteView payload);

Bytes info_request_packet(const InfoRequest& request);
/// PASSWD_CHANGEREQ (RFC 4252, section 8).
Bytes password_change_packet(std::string_view prompt);
/// FAILURE (RFC 4252, 5.1).
Bytes userauth_failure_packet(const std::vector<std::string>& can_continue, bool partial_success);
/// PK_OK (RFC 4252, section 7).
Bytes pk_ok_packet(std::string_view algorithm, ByteView blob);
/// BANNER (RFC 4252, 5.4).
Bytes banner_packet(std::string_view text);
/// The next piece of a text for a banner, taken off its front: not more than every client takes in one packet (RFC 4253, 6.1),
/// and whole characters.
std::string_view take_banner_piece(std::string_view& text);

}  // namespace sallyport::ssh

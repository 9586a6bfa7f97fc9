// The options of a line of authorized_keys, or of a file of principals (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/login_grant.hpp>
#include <sallyport/result.hpp>

#include "auth/keys/key_query.hpp"

namespace sallyport::auth {

struct KeyOptions {
  LoginGrant grant;
  std::optional<std::string> from;
  std::optional<WallTime> expiry;  ///< the earliest of them
  bool cert_authority = false;     ///< the key is no user's, it signs their certificates
  std::optional<std::vector<std::string>> principals;
};

/// Reads what precedes a key or a principal. `environment=` counts for names that one of the globs `permitted_environment`
/// matches, and is ignored for others; so is `tunnel=`, since no tunnels are carried. Errc::unavailable for an option that
/// is malformed or that we don't know: such a line must not grant more than its author meant.
Result<KeyOptions> parse_key_options(std::string_view text, const std::vector<std::string>& permitted_environment);

/// Whether the options let somebody in from there at that time. Errc::denied when they don't, Errc::unavailable when
/// `from` can't be read.
Result<> check_key_options(const KeyOptions& options, const KeyQuery& query);

/// Both restrict, as with sshd: what one forbids is forbidden, and a forced command of both must be the same, or there
/// is no login (Errc::denied). `line` is that of authorized_keys or of a principal.
Result<LoginGrant> merge_grants(const LoginGrant& line, const LoginGrant& certificate);

/// The time that `expiry-time` names: YYYYMMDD or YYYYMMDDHHMM[SS], local time unless a Z follows.
std::optional<WallTime> parse_expiry_time(std::string_view text);

}  // namespace sallyport::auth

// May this key log in as this user? The whole look-up.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/config.hpp>
#include <sallyport/login_grant.hpp>
#include <sallyport/result.hpp>

#include "auth/keys/key_query.hpp"

namespace sallyport::auth {

/// Runs the program of `authorized_keys_command` with these arguments and gives what it printed. Any failure, also an exit
/// status that isn't 0, is an error.
using KeyCommand = std::function<Result<std::string>(const std::vector<std::string>& argv)>;

/// By what is decided. The references outlive the call.
struct KeyRules {
  const AuthSettings& settings;
  std::string config_folder;  ///< strict_modes look no higher: who may write there makes the rules
  KeyCommand command;
};

/// Decides, in sshd's order: what is revoked is refused, then the files of authorized_keys, then the trusted authorities (for a
/// certificate), then the program are asked, and the first that lets the key in wins. Files that aren't there have no keys;
/// when one can't be read or trusted the others still count, but for those of revoked_keys, without which nobody gets in.
/// Reads files and runs the program: for a thread pool.
KeyVerdict check_key(const KeyRules& rules, const KeyQuery& query);

/// What is wrong with the files that stand for everybody, and with the program: what check_key() would find only when
/// somebody comes. Of `rules` the command isn't run. Reads the files: for a thread pool, or the start.
std::vector<KeyWarning> check_key_files(const KeyRules& rules);

}  // namespace sallyport::auth

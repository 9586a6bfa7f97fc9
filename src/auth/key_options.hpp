// What an authorized_keys line says about the one who logs in with its key.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace sallyport::auth {

/// As sshd(8) has it under "AUTHORIZED_KEYS FILE FORMAT". Restrictions hold for every connection that used the key.
struct KeyOptions {
  std::string file;
  std::size_t line = 0;
  std::string comment;  ///< from the file; to be escaped before it is shown
  /// Runs in place of any shell, exec or subsystem; what the client asked for goes to SSH_ORIGINAL_COMMAND.
  std::optional<std::string> command;
  bool pty = true;
  bool agent_forwarding = true;
  bool port_forwarding = true;
  bool x11_forwarding = true;
  bool user_rc = true;
  bool touch_required = true;    ///< sk keys: the signature must say that the user was present
  bool verify_required = false;  ///< sk keys: … and verified (PIN, fingerprint)
  bool operator==(const KeyOptions&) const = default;
};

}  // namespace sallyport::auth

// One owner for each of libssh's objects.
#pragma once

#include <memory>
#include <string>

#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

struct ssh_key_struct;
struct ssh_session_struct;
struct ssh_bind_struct;
struct ssh_message_struct;

namespace sallyport::ssh {

struct KeyFree {
  void operator()(ssh_key_struct* key) const noexcept;
};
struct SessionFree {
  void operator()(ssh_session_struct* session) const noexcept;
};
struct BindFree {
  void operator()(ssh_bind_struct* bind) const noexcept;
};
struct MessageFree {
  void operator()(ssh_message_struct* message) const noexcept;
};
using KeyHandle = std::unique_ptr<ssh_key_struct, KeyFree>;
using SessionHandle = std::unique_ptr<ssh_session_struct, SessionFree>;
using BindHandle = std::unique_ptr<ssh_bind_struct, BindFree>;
using MessageHandle = std::unique_ptr<ssh_message_struct, MessageFree>;

/// Makes libssh ready, once in the life of the process; any thread may call it.
void ensure_libssh();

/// A new session that reads no configuration files and never blocks.
Result<SessionHandle> new_session();

/// What libssh has to say about the session's last failure, escaped; `fallback` when it says nothing.
std::string session_error(ssh_session_struct* session, const char* fallback);

/// "SHA256:…" of a public key as it stands on the wire, as OpenSSH shows it.
std::string fingerprint_of(ByteView key_blob);

/// The public half as it stands on the wire. Empty on failure.
Bytes public_blob_of(const ssh_key_struct* key);

}  // namespace sallyport::ssh

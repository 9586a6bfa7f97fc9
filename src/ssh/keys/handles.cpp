#include "ssh/keys/handles.hpp"

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "ssh/keys/base64.hpp"
#include "ssh/keys/digest.hpp"

namespace sallyport::ssh {

void KeyFree::operator()(ssh_key_struct* key) const noexcept { ssh_key_free(key); }
void SessionFree::operator()(ssh_session_struct* session) const noexcept { ssh_free(session); }
void BindFree::operator()(ssh_bind_struct* bind) const noexcept { ssh_bind_free(bind); }
void MessageFree::operator()(ssh_message_struct* message) const noexcept { ssh_message_free(message); }

void ensure_libssh() {
  static const int once = ssh_init();
  static_cast<void>(once);
}

Result<SessionHandle> new_session() {
  ensure_libssh();
  SessionHandle session{ssh_new()};
  if (!session) return fail(Errc::limit, "no memory for a session");
  ssh_set_blocking(session.get(), 0);
  const bool no_files = false;
  if (ssh_options_set(session.get(), SSH_OPTIONS_PROCESS_CONFIG, &no_files) != SSH_OK) {
    return fail(Errc::io, session_error(session.get(), "session options"));
  }
  return session;
}

std::string session_error(ssh_session_struct* session, const char* fallback) {
  const char* text = ssh_get_error(session);
  if (text == nullptr || *text == '\0') text = fallback;
  std::string safe;
  for (const char* c = text; *c != '\0' && safe.size() < 300; ++c) {
    // The peer's words may be in it.
    safe += *c >= 0x20 && *c < 0x7f ? *c : '?';
  }
  return safe;
}

std::string fingerprint_of(ByteView key_blob) {
  std::string text = base64_encode(sha256(key_blob));
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

Bytes public_blob_of(const ssh_key_struct* key) {
  char* encoded = nullptr;
  if (ssh_pki_export_pubkey_base64(const_cast<ssh_key_struct*>(key), &encoded) != SSH_OK) return {};
  auto blob = base64_decode(encoded);
  ssh_string_free_char(encoded);
  return blob.value_or(Bytes{});
}

}  // namespace sallyport::ssh

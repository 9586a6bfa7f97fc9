// auth.password_file: who has which password. Lines of `user:hash`, as in shadow(5); what follows another colon is left alone.
#pragma once

#include <string>
#include <string_view>

#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>

namespace sallyport::auth {

/// What a check of a password or a code has found.
struct FactorCheck {
  bool accepted = false;
  std::string reason;  ///< why not; for the log, never for the client
};

/// Whether the password is that user's, by the text of a password file. For a user that isn't there, or that has no hash
/// to speak of, as much work is done as for one who is.
FactorCheck check_password(std::string_view file_text, std::string_view user, const SecretString& password);

/// check_password() with the file itself, which has to be safe: see read_secret_file(), whose errors these are. Takes some ten
/// milliseconds or more: for a thread pool.
Result<FactorCheck> check_password_in(const std::string& file, std::string_view user, const SecretString& password);

/// Whether the text of a password file has a hash for the user that a password could match.
bool has_password(std::string_view file_text, std::string_view user);

}  // namespace sallyport::auth

// Does a text in the form of authorized_keys, or of a file of principals, let this key in? Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/login_grant.hpp>
#include <sallyport/result.hpp>

#include "auth/keys/certificate.hpp"
#include "auth/keys/key_query.hpp"
#include "auth/keys/public_key.hpp"

namespace sallyport::auth {

/// A certificate on its way through the files that may trust it, whose signature is checked when the first of them does.
class CertificateLogin {
 public:
  /// The references outlive it.
  CertificateLogin(const Certificate& certificate, const KeyQuery& query, unsigned min_rsa_bits)
      : certificate_(certificate), query_(query), min_rsa_bits_(min_rsa_bits) {}

  const Certificate& certificate() const { return certificate_; }
  /// check_certificate(), done once.
  const Result<LoginGrant>& grant();
  bool names(std::string_view principal) const;

 private:
  const Certificate& certificate_;
  const KeyQuery& query_;
  unsigned min_rsa_bits_;
  std::optional<Result<LoginGrant>> grant_;
};

/// What is looked for, and by which rules.
struct KeySearch {
  const KeyQuery& query;
  const PublicKey& key;                     ///< the key itself; in a certificate the one that it is for
  CertificateLogin* certificate = nullptr;  ///< null: a plain key
  const std::vector<std::string>& permitted_environment;
};

/// What was found in one text.
struct KeyFinding {
  std::optional<LoginGrant> grant;  ///< set: the key may log in
  std::string refusal;  ///< otherwise why the last line with the key, or its authority, keeps it out; empty: no such line
};

/// Looks in a text like authorized_keys. The first line that has the key and whose options let it in wins; a certificate is
/// let in by a line with its authority's key and `cert-authority`, when it names one of the line's `principals` or, without
/// such an option, the user. A line with an option that is malformed or unknown is skipped with a warning.
KeyFinding search_keys(std::string_view text, std::string_view file, const KeySearch& search, KeyWarnings& warnings);

/// Looks in a text of principals (sshd_config(5), AuthorizedPrincipalsFile) for one that the certificate names. The
/// certificate's authority is trusted already; `search` has it.
KeyFinding search_principals(std::string_view text, std::string_view file, const KeySearch& search, KeyWarnings& warnings);

}  // namespace sallyport::auth

// Whoever makes certificates for us: a program of the administrator's.
#pragma once

#include <functional>
#include <string>

#include <sallyport/result.hpp>

#include "ssh/keys/user_certificate.hpp"

namespace sallyport::ssh {

/// Makes one certificate. Destroying it gives that up.
class CertificateSigner {
 public:
  virtual ~CertificateSigner() = default;
  /// `public_key` is a line as public_key_line() makes it. Calls `done` once, from the loop and never inside, with the
  /// certificate's line; `done` may destroy the signer.
  virtual void sign(std::string public_key, CertificateRequest request, std::function<void(Result<std::string>)> done) = 0;
};

}  // namespace sallyport::ssh

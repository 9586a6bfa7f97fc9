// The port between a client's connection (mux) and the bastion's own host keys.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sallyport/bytes.hpp>

namespace sallyport {

/// A proof that is being made. Destroying it gives it up.
class HostKeyProof {
 public:
  virtual ~HostKeyProof() = default;
};

/// The bastion's host keys, which clients learn beyond the one that they were shown, so that keys can be exchanged for others
/// (OpenSSH's PROTOCOL, 2.5). Safe to be held longer than the configuration that it comes from.
class HostKeyHolder {
 public:
  /// What a signature is made over and how.
  struct Exchange {
    Bytes session_id;
    std::string algorithm;  ///< of the host key's signature in the exchange: an RSA key signs by it again
  };

  virtual ~HostKeyHolder() = default;
  /// The fields of hostkeys-00@openssh.com.
  virtual const Bytes& announcement() const = 0;
  /// Signs with the keys that the fields of a hostkeys-prove-00@openssh.com name. `done` is called once, later, from the loop,
  /// with the fields of the answer, or with nothing when one of the keys is none of ours; the proof may be destroyed inside.
  [[nodiscard]] virtual std::unique_ptr<HostKeyProof> prove(ByteView fields, Exchange exchange,
                                                            std::function<void(std::optional<Bytes>)> done) = 0;
};

}  // namespace sallyport

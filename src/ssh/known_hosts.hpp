// OpenSSH's known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>

namespace sallyport::ssh {

enum class HostKeyVerdict : std::uint8_t {
  known,    ///< this very key is listed for the host
  unknown,  ///< nothing is listed for the host
  changed,  ///< other keys are listed for the host, this one isn't
  revoked,  ///< this key is marked @revoked for the host
};

/// The lines of known_hosts files that are about one host.
class KnownHosts {
 public:
  static constexpr std::size_t kMaxFileSize = 16 * 1024 * 1024;
  static constexpr std::size_t kMaxLine = 64 * 1024;

  /// `host` is what the user calls it: a name or an address; OpenSSH lists it as "[host]:port" unless `port` is 22.
  KnownHosts(std::string_view host, std::uint16_t port);

  /// Takes in the text of a file. A line that can't be understood is skipped: it lets nobody in.
  void read(std::string_view text);

  HostKeyVerdict judge(ByteView key_blob) const;
  /// Types of the keys listed for the host, each once, in the files' order: "ssh-ed25519". Without the revoked ones.
  std::vector<std::string> key_types() const;
  /// Lines that were about this host but couldn't be used, with the reason (@cert-authority, a broken key). For the log.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  struct Entry {
    std::string type;
    Bytes blob;
    bool revoked = false;
  };
  void read_line(std::string_view line, std::size_t number);
  bool matches(std::string_view patterns) const;
  bool matches_hashed(std::string_view hashed) const;

  std::string name_;  // lower case, as it is listed
  std::vector<Entry> entries_;
  std::vector<std::string> warnings_;
};

}  // namespace sallyport::ssh

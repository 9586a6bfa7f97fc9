// OpenSSH's known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>

namespace sallyport::ssh {

enum class HostKeyVerdict : std::uint8_t {
  known,       ///< this very key is listed for the host
  unknown,     ///< nothing is listed for the host
  other_type,  ///< keys of other types are listed for the host, none of this type
  changed,     ///< another key of this type is listed for the host
  revoked,     ///< this key is marked @revoked for the host
};

/// The lines of known_hosts files that are about one host.
class KnownHosts {
 public:
  static constexpr std::size_t kMaxFileSize = 16 * 1024 * 1024;
  static constexpr std::size_t kMaxLine = 64 * 1024;
  static constexpr std::size_t kMaxShown = 4;  ///< keys in expected()

  /// `host` is what the user calls it: a name or an address; OpenSSH lists it as "[host]:port" unless `port` is 22. As with
  /// OpenSSH, a key that is listed for the bare name is known on another port, too, if none of its type is listed with that port.
  KnownHosts(std::string_view host, std::uint16_t port);

  /// Takes in the text of a file. A line that can't be understood is skipped: it lets nobody in.
  void read(std::string_view text);

  HostKeyVerdict judge(ByteView key_blob) const;
  /// The first keys that are listed for the host, without the revoked ones: "ssh-ed25519 SHA256:…, ssh-rsa SHA256:…".
  std::string expected() const;
  /// A key is listed under the host's very name (or its hash), and not by a pattern alone: such lines may be kept up to date.
  bool listed_by_name() const;
  /// Numbers of the lines, from 1, that are about this host and no other, and whose keys are none of these.
  std::vector<std::size_t> lines_without(const std::vector<Bytes>& keys) const;
  /// How the host is written in a new line: "web1", "[web1]:2222".
  const std::string& name() const { return name_; }
  /// Types of the keys listed for the host, each once, in the files' order: "ssh-ed25519". Without the revoked ones.
  std::vector<std::string> key_types() const;
  /// Lines that were about this host but couldn't be used, with the reason (@cert-authority, a broken key). For the log.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  struct Entry {
    std::string type;
    Bytes blob;
    bool revoked = false;
    std::size_t line = 0;
    bool by_name = false;  ///< not by a pattern
    bool alone = false;    ///< the line is about no other host
  };
  void read_line(std::string_view line, std::size_t number);
  bool lists_name(std::string_view patterns) const;
  /// Nothing when the bare name has no line with this key: what else it has may be another server's.
  std::optional<HostKeyVerdict> judge_without_port(ByteView key_blob) const;

  std::string name_;  // lower case, as it is listed
  std::string bare_;  // without the port; empty when that is 22
  std::vector<Entry> entries_;
  std::vector<Entry> bare_entries_;
  std::vector<std::string> warnings_;
};

}  // namespace sallyport::ssh

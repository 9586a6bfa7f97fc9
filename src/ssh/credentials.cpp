#include "ssh/credentials.hpp"

#include <utility>

#include "ssh/key_file.hpp"

namespace sallyport::ssh {

Result<ClientFiles> read_client_files(const ClientOptions& options) {
  ClientFiles files{{}, {}, KnownHosts{options.host, options.port}};
  bool any_known_hosts = false;
  std::string trouble;
  for (const auto& path : options.known_hosts) {
    auto text = read_file(path, KnownHosts::kMaxFileSize);
    if (text) {
      files.known_hosts.read(*text);
      any_known_hosts = true;
    } else {
      trouble += " " + text.error().detail;
    }
  }
  // A file that is missing might be the one that revokes a key: any trouble is reported, and none at all fails.
  if (!any_known_hosts) return fail(Errc::config, "no known_hosts file can be read:" + trouble);
  if (!trouble.empty()) files.problems.push_back("known_hosts:" + trouble);
  for (const auto& warning : files.known_hosts.warnings()) files.problems.push_back("known_hosts " + warning);

  std::string key_trouble;
  for (const auto& path : options.key_files) {
    auto key = load_private_key(path);
    if (!key) {
      key_trouble += " " + key.error().detail;
      continue;
    }
    auto with_certificate = load_certificate(path, *key);
    if (!with_certificate) {
      key_trouble += " " + with_certificate.error().detail;
    } else if (*with_certificate) {
      files.keys.push_back(std::move(*with_certificate));
    }
    files.keys.push_back(std::move(*key));
  }
  if (files.keys.empty()) return fail(Errc::config, "no key file can be used:" + key_trouble);
  if (!key_trouble.empty()) files.problems.push_back("keys:" + key_trouble);
  return files;
}

}  // namespace sallyport::ssh

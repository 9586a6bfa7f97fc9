#include "ssh/upstream/credentials.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "match/names.hpp"
#include "ssh/keys/key_file.hpp"
#include "ssh/keys/user_certificate.hpp"

namespace sallyport::ssh {
namespace {

using Kind = Credential::Kind;

/// Reads credentials one after the other; what can't be used is a problem to report, and no more.
class CredentialReader {
 public:
  explicit CredentialReader(const ClientOptions& options) : options_(options) {}

  void read(const Credential& credential) {
    ReadyCredential ready;
    ready.kind = credential.kind;
    ready.label = config::credential_text(credential);
    switch (credential.kind) {
      case Kind::key_file: return read_key(credential.value, std::move(ready));
      case Kind::certificate_authority: return issue(credential.value, std::move(ready));
      case Kind::signer: return keep_if(make_ephemeral_key(), std::move(ready));
      case Kind::password_file: {
        auto password = read_secret(credential.value);
        if (!password) return complain(password.error());
        ready.password = std::move(*password);
        break;
      }
      case Kind::agent: ready.path = credential.value; break;
      case Kind::forwarded_agent:
        if (!options_.client.lends_agent) return skip(ready, "the client has not lent its agent (ssh -A)");
        break;
      case Kind::password:
        if (options_.client.password == nullptr) return skip(ready, "the client has typed no password");
        break;
      case Kind::keyboard_interactive: break;
    }
    done_.push_back(std::move(ready));
  }

  std::vector<ReadyCredential> take() { return std::move(done_); }
  const std::string& trouble() const { return trouble_; }
  const std::string& passed_over() const { return passed_over_; }

 private:
  void complain(const Error& why) { trouble_ += (trouble_.empty() ? "" : "; ") + why.detail; }
  void skip(const ReadyCredential& ready, const char* why) {
    passed_over_ += (passed_over_.empty() ? "" : "; ") + ready.label + ": " + why;
  }

  void keep_if(Result<KeyHandle> key, ReadyCredential ready) {
    if (!key) return complain(key.error());
    ready.key = std::move(*key);
    done_.push_back(std::move(ready));
  }

  /// The same for every key file of the target.
  const SecretString& passphrase() {
    if (passphrase_ || options_.passphrase_file.empty()) return passphrase_ ? *passphrase_ : none_;
    auto read = read_passphrase(options_.passphrase_file);
    if (!read) complain(read.error());
    return passphrase_.emplace(read ? std::move(*read) : SecretString());
  }

  void read_key(const std::string& path, ReadyCredential ready) {
    auto key = load_private_key(path, passphrase());
    if (!key) return complain(key.error());
    auto with_certificate = load_certificate(path, *key);
    if (!with_certificate) {
      complain(with_certificate.error());
    } else if (*with_certificate) {
      ReadyCredential certified;
      certified.kind = ready.kind;
      certified.label = ready.label + "-cert.pub";
      certified.key = std::move(*with_certificate);
      done_.push_back(std::move(certified));
    }
    ready.key = std::move(*key);
    done_.push_back(std::move(ready));
  }

  void issue(const std::string& path, ReadyCredential ready) {
    auto authority = load_private_key(path, passphrase());
    if (!authority) return complain(authority.error());
    auto key = make_ephemeral_key();
    if (!key) return complain(key.error());
    const auto issued = issue_certificate(*key, *authority, options_.certificate, std::chrono::system_clock::now());
    if (!issued) return complain({issued.error().code, path + ": " + issued.error().detail});
    keep_if(std::move(key), std::move(ready));
  }

  const ClientOptions& options_;
  std::vector<ReadyCredential> done_;
  std::string trouble_;
  std::string passed_over_;
  std::optional<SecretString> passphrase_;
  const SecretString none_;
};

}  // namespace

std::string certificate_identity(const UpstreamClient& client) {
  if (!client.connection) return client.user;
  return client.user + "/c" + std::to_string(number(*client.connection));
}

Result<ClientFiles> read_client_files(const ClientOptions& options) {
  ClientFiles files{{}, {}, {}, KnownHosts{options.host, options.port}};
  bool any_known_hosts = false;
  std::string trouble;
  for (const auto& path : options.known_hosts) {
    auto text = read_file(path, KnownHosts::kMaxFileSize);
    const bool may_be_missing = options.host_key_policy == HostKeyPolicy::accept_new || options.on_host_key;
    if (!text && text.error().code == Errc::not_found && may_be_missing) {
      any_known_hosts = true;  // the first key makes it
    } else if (text) {
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

  if (options.on_host_key) return files;
  CredentialReader reader(options);
  for (const Credential& credential : options.credentials) reader.read(credential);
  files.credentials = reader.take();
  files.passed_over = reader.passed_over();
  if (files.credentials.empty())
    return fail(reader.trouble().empty() ? Errc::unavailable : Errc::config,
                "no credential can be used: " + reader.trouble() + (reader.trouble().empty() ? "" : "; ") + reader.passed_over());
  if (!reader.trouble().empty()) files.problems.push_back("credentials: " + reader.trouble());
  return files;
}

}  // namespace sallyport::ssh

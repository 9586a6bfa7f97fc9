#include "auth/lookup/key_check.hpp"

#include <openssl/evp.h>

#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "auth/lookup/authorized_keys.hpp"
#include "auth/lookup/key_list.hpp"
#include "auth/lookup/trusted_file.hpp"
#include "match/names.hpp"
#include "wire/encoding.hpp"

namespace sallyport::auth {
namespace {

constexpr std::size_t kMaxAuthorities = 1024 * 1024;
constexpr std::size_t kMaxRevocations = 64 * 1024 * 1024;
constexpr std::string_view kHome = "{home}";

std::string base64(ByteView blob) {
  std::string text(4 * ((blob.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), blob.data(), static_cast<int>(blob.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

/// Files and programs that are the administrator's alone.
FileTrust trust_of_ours(const KeyRules& rules) {
  FileTrust trust;
  trust.strict = rules.settings.strict_modes;
  trust.boundaries = {rules.config_folder};
  return trust;
}

/// As sshd: who may write revoked_keys can only keep people out.
FileTrust trust_of_anybody() {
  FileTrust trust;
  trust.strict = false;
  return trust;
}

/// Whether the way to `path` goes through the home: it or a folder above is spelt alike, or is the same one. From the top, so
/// that nothing of the user's has been followed before the answer is known. A home that is the root folder is nobody's own.
bool leads_through(const std::filesystem::path& path, const std::filesystem::path& home) {
  if (home.lexically_normal().relative_path().empty()) return false;
  const std::filesystem::path normal = (home / "").lexically_normal();  // always with a slash at its end
  std::filesystem::path at;
  for (const std::filesystem::path& part : path) {
    at /= part;
    std::error_code ignored;  // a folder that isn't there, or can't be asked, has its spelling
    if ((at / "").lexically_normal() == normal || std::filesystem::equivalent(at, home, ignored)) return true;
  }
  return false;
}

/// One look-up. Every step gives true when the question is settled.
class Check {
 public:
  Check(const KeyRules& rules, const KeyQuery& query) : rules_(rules), settings_(rules.settings), query_(query) {}

  KeyVerdict run() {
    decide();
    if (!verdict_.grant && verdict_.refusal.empty()) {
      verdict_.refusal = unavailable_.empty() ? no_line_text() : unavailable_;
      verdict_.unavailable = !unavailable_.empty();
    }
    verdict_.warnings = warnings_.take();
    return std::move(verdict_);
  }

 private:
  void decide() {
    if (!config::is_safe_user(query_.user)) return refuse("the user name is not safe in a path");
    if (auto taken = take_key(); !taken) return refuse(taken.error().detail);
    verdict_.fingerprint = key_->fingerprint();
    if (certificate_) verdict_.certificate = certificate_->identity();
    if (auto checked = check_rsa_size(*key_, settings_.min_rsa_size); !checked) return refuse(checked.error().detail);
    if (is_revoked()) return;
    std::optional<CertificateLogin> login;
    if (certificate_) login.emplace(*certificate_, query_, settings_.min_rsa_size);
    const KeySearch search{query_, *key_, login ? &*login : nullptr, settings_.permit_user_environment};
    if (ask_files(search)) return;
    if (login && ask_authorities(search)) return;
    static_cast<void>(ask_command(search));
    if (!verdict_.grant) verdict_.refusal = std::move(refusal_);
  }

  Result<> take_key() {
    if (!is_certificate(query_.blob)) {
      auto key = PublicKey::parse(query_.blob);
      if (!key) return fail(key.error());
      key_ = std::move(*key);
      return {};
    }
    auto certificate = parse_certificate(query_.blob);
    if (!certificate) return fail(certificate.error());
    key_ = certificate->key;
    certificate_ = std::move(*certificate);
    return {};
  }

  void refuse(std::string why) { verdict_.refusal = std::move(why); }

  std::string no_line_text() const {
    return certificate_ ? "the certificate is of no authority that is trusted for the user" : "the key is not one of the user's";
  }

  /// Refuses what is revoked, and everybody when that can't be known.
  bool is_revoked() {
    for (const std::string& path : settings_.revoked_keys) {
      const auto contents = read_trusted(path, kMaxRevocations, trust_of_anybody());
      auto revoked = contents ? any_revoked(*contents) : Result<bool>(fail(contents.error()));
      if (!revoked) {
        verdict_.unavailable = true;
        refuse(fmt::format("revoked keys: {}: {}", path, revoked.error().detail));
        return true;
      }
      if (!*revoked) continue;
      refuse(fmt::format("revoked by {}", path));
      return true;
    }
    return false;
  }

  /// The key, its certificate or the authority that signed it.
  Result<bool> any_revoked(std::string_view contents) const {
    auto revoked = revokes(contents, *key_, certificate_ ? &*certificate_ : nullptr);
    if (!certificate_ || !revoked || *revoked) return revoked;
    return revokes(contents, certificate_->authority, nullptr);
  }

  FileTrust trust_of_user_file(bool as_account) const {
    FileTrust trust = trust_of_ours(rules_);
    trust.account = query_.account;
    if (query_.account) trust.boundaries.push_back(query_.account->home);
    trust.as_account = as_account;
    return trust;
  }

  /// A file of the user's, and its path. Nothing when there is none, or it can't be used.
  struct UserFile {
    std::string path;
    std::string text;
  };
  std::optional<UserFile> read_user_file(const std::string& path_template) {
    const bool in_home = path_template.find(kHome) != std::string::npos;
    if (in_home && (!query_.account || query_.account->home.empty())) return std::nullopt;
    const std::string user = config::in_path(query_.user);
    auto path = config::expand(path_template, {{"user", user}, {"home", in_home ? query_.account->home : ""}});
    if (!path) return std::nullopt;  // the configuration's check lets no other placeholders through
    const bool as_account = in_home || (query_.account && leads_through(*path, query_.account->home));
    auto text = read_trusted(*path, settings_.max_authorized_keys_size, trust_of_user_file(as_account));
    if (text) return UserFile{std::move(*path), std::move(*text)};
    note_unusable(*path, text.error());
    return std::nullopt;
  }

  void note_unusable(const std::string& path, const Error& why) {
    if (why.code == Errc::not_found) return;
    unavailable_ = fmt::format("{}: {}", path, why.detail);
    warnings_.add(path, 0, why.detail);
  }

  bool settle(KeyFinding finding) {
    if (!finding.refusal.empty() && refusal_.empty()) refusal_ = std::move(finding.refusal);
    verdict_.grant = std::move(finding.grant);
    return verdict_.grant.has_value();
  }

  bool ask_files(const KeySearch& search) {
    for (const std::string& path_template : settings_.authorized_keys) {
      const auto file = read_user_file(path_template);
      if (file && settle(search_keys(file->text, file->path, search, warnings_))) return true;
    }
    return false;
  }

  bool ask_authorities(const KeySearch& search) {
    for (const std::string& path : settings_.trusted_user_ca_keys) {
      const auto text = read_trusted(path, kMaxAuthorities, trust_of_ours(rules_));
      if (!text) {
        // An authority whose file has gone trusts nobody; that is worth a line in any case.
        note_unusable(path, {Errc::unavailable, text.error().detail});
      } else if (lists_key(*text, path, certificate_->authority, warnings_)) {
        return settle(grant_by_authority(search, path));
      }
    }
    return false;
  }

  KeyFinding grant_by_authority(const KeySearch& search, const std::string& path) {
    KeyFinding finding;
    const auto& grant = search.certificate->grant();
    if (!grant) {
      finding.refusal = grant.error().detail;
    } else if (!settings_.authorized_principals.empty()) {
      return find_principal(search);
    } else if (search.certificate->names(query_.user)) {
      finding.grant = *grant;
      finding.grant->file = path;
    } else {
      finding.refusal = "the certificate does not name the user as a principal";
    }
    return finding;
  }

  KeyFinding find_principal(const KeySearch& search) {
    KeyFinding last;
    for (const std::string& path_template : settings_.authorized_principals) {
      const auto file = read_user_file(path_template);
      if (!file) continue;
      KeyFinding finding = search_principals(file->text, file->path, search, warnings_);
      if (finding.grant) return finding;
      if (!finding.refusal.empty()) last = std::move(finding);
    }
    if (last.refusal.empty()) last.refusal = "the certificate names none of the user's principals";
    return last;
  }

  bool ask_command(const KeySearch& search) {
    const auto& command = settings_.authorized_keys_command;
    if (command.empty()) return false;
    auto output = run_command(command);
    if (output) return settle(search_keys(*output, command.front(), search, warnings_));
    note_unusable(command.front(), {Errc::unavailable, output.error().detail});
    return false;
  }

  Result<std::string> run_command(const std::vector<std::string>& command) {
    if (settings_.strict_modes) {
      if (auto checked = check_trusted_program(command.front(), trust_of_ours(rules_)); !checked) return fail(checked.error());
    }
    const std::string blob = base64(query_.blob);
    const KeyType& type = key_->type();
    const std::string_view name = certificate_ ? type.certificate_name : type.name;
    std::vector<std::string> argv;
    for (const std::string& argument : command) {
      auto expanded = config::expand(
          argument, {{"user", query_.user}, {"key_type", name}, {"key", blob}, {"fingerprint", verdict_.fingerprint}});
      if (!expanded) return fail(Errc::config, "an argument has an unknown placeholder");
      argv.push_back(std::move(*expanded));
    }
    return rules_.command(argv);
  }

  const KeyRules& rules_;
  const AuthSettings& settings_;
  const KeyQuery& query_;
  std::optional<PublicKey> key_;
  std::optional<Certificate> certificate_;
  std::string refusal_;      // the first of a line that has the key
  std::string unavailable_;  // what the last file or program that could not be used lacks
  KeyWarnings warnings_;
  KeyVerdict verdict_;
};

}  // namespace

std::vector<KeyWarning> check_key_files(const KeyRules& rules) {
  const AuthSettings& settings = rules.settings;
  KeyWarnings warnings;
  // No key that anybody has: whether the lists can be read doesn't depend on it.
  wire::Writer blob;
  blob.string("ssh-ed25519").string(Bytes(32));
  const auto nobodys = PublicKey::parse(blob.bytes());
  for (const std::string& path : settings.revoked_keys) {
    const auto contents = read_trusted(path, kMaxRevocations, trust_of_anybody());
    const auto revoked = contents ? revokes(*contents, *nobodys, nullptr) : Result<bool>(fail(contents.error()));
    if (!revoked) warnings.add(path, 0, "nobody gets in with a key: " + revoked.error().detail);
  }
  for (const std::string& path : settings.trusted_user_ca_keys) {
    const auto text = read_trusted(path, kMaxAuthorities, trust_of_ours(rules));
    if (!text) {
      warnings.add(path, 0, "no authority is trusted: " + text.error().detail);
    } else {
      static_cast<void>(lists_key(*text, path, *nobodys, warnings));
    }
  }
  if (!settings.authorized_keys_command.empty() && settings.strict_modes) {
    const std::string& program = settings.authorized_keys_command.front();
    const auto checked = check_trusted_program(program, trust_of_ours(rules));
    if (!checked) warnings.add(program, 0, "it is not run: " + checked.error().detail);
  }
  return warnings.take();
}

KeyVerdict check_key(const KeyRules& rules, const KeyQuery& query) { return Check(rules, query).run(); }

}  // namespace sallyport::auth

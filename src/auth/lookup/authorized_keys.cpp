#include "auth/lookup/authorized_keys.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "auth/keys/key_line.hpp"
#include "auth/keys/key_options.hpp"
#include "auth/keys/lines.hpp"
#include "config/document.hpp"

namespace sallyport::auth {
namespace {

/// What a line that has the key, or its authority's, grants. Errc::denied when it keeps the client out.
Result<LoginGrant> grant_of_line(const KeyOptions& options, const KeySearch& search) {
  if (auto checked = check_key_options(options, search.query); !checked) return fail(checked.error());
  if (search.certificate == nullptr) return options.grant;
  const auto& certificate = search.certificate->grant();
  if (!certificate) return fail(certificate.error());
  const bool named = options.principals
                         ? std::any_of(options.principals->begin(), options.principals->end(),
                                       [&search](const std::string& name) { return search.certificate->names(name); })
                         : search.certificate->names(search.query.user);
  if (!named) return fail(Errc::denied, "the certificate names none of the principals that are let in");
  return merge_grants(options.grant, *certificate);
}

/// One line of authorized_keys. Nothing when it has another key, or isn't meant for such a one.
std::optional<Result<LoginGrant>> try_key_line(const KeyLine& line, const KeySearch& search) {
  const bool wants_authority = search.certificate != nullptr;
  const PublicKey& wanted = wants_authority ? search.certificate->certificate().authority : search.key;
  if (line.blob != wanted.blob()) return std::nullopt;
  auto options = parse_key_options(line.options, search.permitted_environment);
  if (!options) return Result<LoginGrant>(fail(options.error()));
  if (options->principals && !options->cert_authority) {
    return Result<LoginGrant>(fail(Errc::unavailable, "option principals needs cert-authority"));
  }
  if (options->cert_authority != wants_authority) return std::nullopt;
  options->grant.comment = std::string(line.comment);
  return grant_of_line(*options, search);
}

/// Without a comment at its end.
std::string_view before_comment(std::string_view line) {
  bool in_quotes = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && in_quotes) {
      ++i;
    } else if (line[i] == '"') {
      in_quotes = !in_quotes;
    } else if (line[i] == '#' && !in_quotes) {
      return line.substr(0, i);
    }
  }
  return line;
}

/// One line of a file of principals: options may precede the name, which is the last word.
std::optional<Result<LoginGrant>> try_principal_line(std::string_view line, const KeySearch& search) {
  line = before_comment(line);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  const std::size_t blank = line.find_last_of(" \t");
  const std::string_view principal = line.substr(blank == std::string_view::npos ? 0 : blank + 1);
  if (!search.certificate->names(principal)) return std::nullopt;
  std::string_view text = blank == std::string_view::npos ? std::string_view() : line.substr(0, blank);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  const auto options = parse_key_options(text, search.permitted_environment);
  if (!options) return Result<LoginGrant>(fail(options.error()));
  if (options->cert_authority || options->principals) {
    return Result<LoginGrant>(fail(Errc::unavailable, "options cert-authority and principals have no place here"));
  }
  if (auto checked = check_key_options(*options, search.query); !checked) return Result<LoginGrant>(fail(checked.error()));
  const auto& certificate = search.certificate->grant();
  if (!certificate) return certificate;
  return merge_grants(options->grant, *certificate);
}

/// Takes what a line had to say. True: it lets the client in.
bool take_outcome(std::optional<Result<LoginGrant>> outcome, std::string_view file, std::size_t line, KeyFinding& finding,
                  KeyWarnings& warnings) {
  if (!outcome) return false;
  if (*outcome) {
    finding.grant = std::move(**outcome);
    finding.grant->file = std::string(file);
    finding.grant->line = line;
    return true;
  }
  finding.refusal = outcome->error().detail;
  warnings.add(file, line, finding.refusal);
  return false;
}

}  // namespace

const Result<LoginGrant>& CertificateLogin::grant() {
  if (!grant_) grant_.emplace(check_certificate(certificate_, query_, min_rsa_bits_));
  return *grant_;
}

bool CertificateLogin::names(std::string_view principal) const {
  const auto& names = certificate_.principals;
  return !principal.empty() && std::find(names.begin(), names.end(), principal) != names.end();
}

KeyFinding search_keys(std::string_view text, std::string_view file, const KeySearch& search, KeyWarnings& warnings) {
  KeyFinding finding;
  Lines lines(text);
  while (const auto line = lines.next()) {
    const auto parsed = parse_key_line(*line);
    if (!parsed) {
      warnings.add(file, lines.number(), parsed.error().detail);
      continue;
    }
    if (take_outcome(try_key_line(*parsed, search), file, lines.number(), finding, warnings)) break;
  }
  return finding;
}

KeyFinding search_principals(std::string_view text, std::string_view file, const KeySearch& search, KeyWarnings& warnings) {
  KeyFinding finding;
  Lines lines(text);
  while (const auto line = lines.next()) {
    if (line->size() > kMaxKeyLine || line->find('\0') != std::string_view::npos) {
      warnings.add(file, lines.number(), "the line is too long or holds a NUL");
      continue;
    }
    if (take_outcome(try_principal_line(*line, search), file, lines.number(), finding, warnings)) break;
  }
  return finding;
}

}  // namespace sallyport::auth

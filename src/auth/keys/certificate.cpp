#include "auth/keys/certificate.hpp"

#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "auth/keys/source_match.hpp"
#include "config/document.hpp"
#include "wire/encoding.hpp"

namespace sallyport::auth {
namespace {

constexpr std::size_t kMaxOptions = 256;
constexpr std::size_t kMaxKeyId = 4096;

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

bool read_principals(ByteView list, std::vector<std::string>& principals) {
  wire::Reader reader(list);
  while (reader.ok() && !reader.rest().empty()) {
    const std::string_view name = reader.text();
    if (has_nul(name) || principals.size() == kMaxPrincipals) return false;
    principals.emplace_back(name);
  }
  return reader.ok();
}

bool read_options(ByteView list, std::vector<Certificate::Option>& options) {
  wire::Reader reader(list);
  while (reader.ok() && !reader.rest().empty()) {
    const std::string_view name = reader.text();
    const ByteView data = reader.string();
    if (has_nul(name) || options.size() == kMaxOptions) return false;
    options.push_back({std::string(name), Bytes(data.begin(), data.end())});
  }
  return reader.ok();
}

std::uint64_t read_uint64(wire::Reader& reader) {
  const std::uint64_t high = reader.uint32();
  return high << 32U | reader.uint32();
}

Failure malformed(std::string_view what) { return fail(Errc::protocol, fmt::format("the certificate is malformed: {}", what)); }

/// The string that an option's data hold; nothing else may be there.
Result<std::string> text_value(const Certificate::Option& option) {
  wire::Reader reader(option.data);
  const std::string_view text = reader.text();
  if (!reader.at_end() || has_nul(text)) {
    return fail(Errc::denied, fmt::format("the certificate's option {} is malformed", config::quoted(option.name)));
  }
  return std::string(text);
}

Result<> apply_critical(const Certificate::Option& option, const KeyQuery& query, bool& has_source, LoginGrant& grant) {
  if (option.name == "verify-required") {
    if (!option.data.empty()) return fail(Errc::denied, "the certificate's option verify-required is malformed");
    grant.verify_required = true;
    return {};
  }
  if (option.name == "force-command") {
    auto command = text_value(option);
    if (!command) return fail(command.error());
    if (grant.command) return fail(Errc::denied, "the certificate has the option force-command twice");
    grant.command = std::move(*command);
    return {};
  }
  if (option.name == "source-address") {
    const auto list = text_value(option);
    if (!list) return fail(list.error());
    if (std::exchange(has_source, true)) return fail(Errc::denied, "the certificate has the option source-address twice");
    return check_source_networks(*list, query.source);
  }
  return fail(Errc::denied,
              fmt::format("the certificate has the critical option {}, which is unknown here", config::quoted(option.name)));
}

/// A certificate permits nothing that it doesn't name.
Result<LoginGrant> grant_of(const Certificate& certificate, const KeyQuery& query) {
  struct Extension {
    std::string_view name;
    bool LoginGrant::*field;
    bool value;
  };
  static constexpr std::array<Extension, 6> kExtensions{{{"permit-pty", &LoginGrant::pty, true},
                                                         {"permit-agent-forwarding", &LoginGrant::agent_forwarding, true},
                                                         {"permit-port-forwarding", &LoginGrant::port_forwarding, true},
                                                         {"permit-X11-forwarding", &LoginGrant::x11_forwarding, true},
                                                         {"permit-user-rc", &LoginGrant::user_rc, true},
                                                         {"no-touch-required", &LoginGrant::touch_required, false}}};
  LoginGrant grant;
  grant.certificate = certificate.identity();
  for (const Extension& extension : kExtensions) grant.*extension.field = !extension.value;
  bool has_source = false;
  for (const Certificate::Option& option : certificate.critical_options) {
    if (auto applied = apply_critical(option, query, has_source, grant); !applied) return fail(applied.error());
  }
  for (const Certificate::Option& option : certificate.extensions) {
    for (const Extension& extension : kExtensions) {
      if (option.name != extension.name) continue;
      if (!option.data.empty())
        return fail(Errc::denied, fmt::format("the certificate's extension {} is malformed", option.name));
      grant.*extension.field = extension.value;
    }
  }
  return grant;
}

Result<> check_time(const Certificate& certificate, WallTime time) {
  const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  const std::uint64_t now = seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds);
  if (now < certificate.valid_after) return fail(Errc::denied, "the certificate is not valid yet");
  if (now >= certificate.valid_before) return fail(Errc::denied, "the certificate has expired");
  return {};
}

}  // namespace

bool is_certificate(ByteView blob) { return certificate_key_type(wire::Reader(blob).text()) != nullptr; }

Result<Certificate> parse_certificate(ByteView blob) {
  if (blob.size() > kMaxCertificate) return malformed("too large");
  wire::Reader reader(blob);
  const KeyType* type = certificate_key_type(reader.text());
  if (type == nullptr) return malformed("of no known type");
  static_cast<void>(reader.string());  // the nonce
  wire::Writer subject;
  subject.string(type->name);
  for (unsigned i = 0; i < type->fields; ++i) subject.string(reader.string());
  const std::uint64_t serial = read_uint64(reader);
  const std::uint32_t certificate_type = reader.uint32();
  const std::string_view key_id = reader.text();
  const ByteView principals = reader.string();
  const std::uint64_t valid_after = read_uint64(reader);
  const std::uint64_t valid_before = read_uint64(reader);
  const ByteView critical_options = reader.string();
  const ByteView extensions = reader.string();
  static_cast<void>(reader.string());  // reserved
  const ByteView authority_blob = reader.string();
  const std::size_t signed_size = blob.size() - reader.rest().size();
  const ByteView signature = reader.string();
  if (!reader.at_end()) return malformed("cut off or with something behind it");
  auto key = PublicKey::parse(subject.bytes());
  if (!key) return malformed(key.error().detail);
  auto authority = PublicKey::parse(authority_blob);
  if (!authority) return malformed("its authority: " + authority.error().detail);
  if (has_nul(key_id) || key_id.size() > kMaxKeyId) return malformed("its key id");
  Certificate certificate{.key = std::move(*key), .authority = std::move(*authority)};
  certificate.serial = serial;
  certificate.type = certificate_type;
  certificate.key_id = std::string(key_id);
  certificate.valid_after = valid_after;
  certificate.valid_before = valid_before;
  certificate.signed_part.assign(blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(signed_size));
  certificate.signature.assign(signature.begin(), signature.end());
  if (!read_principals(principals, certificate.principals)) return malformed("its principals");
  if (!read_options(critical_options, certificate.critical_options)) return malformed("its critical options");
  if (!read_options(extensions, certificate.extensions)) return malformed("its extensions");
  return certificate;
}

Result<LoginGrant> check_certificate(const Certificate& certificate, const KeyQuery& query, unsigned min_rsa_bits) {
  if (auto checked = check_rsa_size(certificate.authority, min_rsa_bits); !checked) {
    return fail(Errc::denied, "the certificate's authority: " + checked.error().detail);
  }
  if (auto verified = certificate.authority.verify(certificate.signed_part, certificate.signature); !verified) {
    return fail(Errc::denied, "the certificate's signature: " + verified.error().detail);
  }
  if (certificate.type != static_cast<std::uint32_t>(Certificate::Type::user)) {
    return fail(Errc::denied, "the certificate is not a user's");
  }
  if (auto timely = check_time(certificate, query.now); !timely) return fail(timely.error());
  // sshd's authorized_keys take such a certificate as everybody's; nobody means that.
  if (certificate.principals.empty()) return fail(Errc::denied, "the certificate names no principal");
  return grant_of(certificate, query);
}

}  // namespace sallyport::auth

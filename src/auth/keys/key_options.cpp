#include "auth/keys/key_options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "auth/keys/source_match.hpp"
#include "config/document.hpp"
#include "match/match.hpp"

namespace sallyport::auth {
namespace {

using Strings = std::vector<std::string>;

constexpr std::size_t kMaxItems = 1024;  // a line of kMaxKeyLine holds few more
constexpr std::size_t kMaxHost = 255;

struct Option {
  std::string name;  ///< in lower case
  std::optional<std::string> value;
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Failure unusable(std::string text) { return fail(Errc::unavailable, std::move(text)); }

/// Takes the first option and the comma behind it.
Result<Option> take_option(std::string_view& text) {
  Option option;
  const std::size_t end = std::min(text.find_first_of("=,"), text.size());
  for (const char c : text.substr(0, end)) option.name += lower(c);
  text.remove_prefix(end);
  if (!text.empty() && text.front() == '=') {
    text.remove_prefix(1);
    if (text.empty() || text.front() != '"') {
      return unusable(fmt::format("option {} has no value in quotation marks", config::quoted(option.name)));
    }
    std::string value;
    std::size_t i = 1;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') ++i;
      value += text[i];
    }
    if (i == text.size()) return unusable("a quotation mark is not closed");
    text.remove_prefix(i + 1);
    option.value = std::move(value);
  }
  if (text.empty()) return option;
  if (text.front() != ',') return unusable("the options are not separated by commas");
  text.remove_prefix(1);  // one at the end is no error to sshd either
  return option;
}

/// Sets what may be there once.
template <typename T>
Result<> set_once(std::optional<T>& field, T value, const Option& option) {
  if (field) return unusable(fmt::format("option {} is there twice", option.name));
  field = std::move(value);
  return {};
}

bool is_port(std::string_view text) {
  if (text == "*") return true;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

/// `host:port`, an IPv6 address in brackets.
bool is_host_and_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return false;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) return false;
  return !host.empty() && host.size() <= kMaxHost &&
         std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < 0x7f && c != '[' && c != ']' && c != ','; });
}

/// permitopen and permitlisten, of which there may be several.
Result<> add_permission(std::optional<Strings>& list, const Option& option, bool bare_port) {
  const std::string& text = *option.value;
  if (!is_host_and_port(text) && !(bare_port && is_port(text))) {
    return unusable(fmt::format("option {} has {}, which is no {}", option.name, config::quoted(text),
                                bare_port ? "\"port\" or \"host:port\"" : "\"host:port\""));
  }
  if (!list) list.emplace();
  if (list->size() == kMaxItems) return unusable(fmt::format("option {} is there too often", option.name));
  list->push_back(text);
  return {};
}

Result<> add_variable(LoginGrant& grant, const Option& option, const Strings& permitted) {
  const std::string& text = *option.value;
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const bool valid = equals != std::string::npos && !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
                       return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
                     });
  if (!valid) return unusable("option environment is not of the form \"NAME=value\"");
  const bool allowed = std::any_of(permitted.begin(), permitted.end(),
                                   [&name](const std::string& glob) { return config::glob_matches(glob, name); });
  if (!allowed) return {};
  if (grant.environment.size() == kMaxItems) return unusable("option environment is there too often");
  grant.environment.emplace(name, text.substr(equals + 1));  // of two the first counts
  return {};
}

Result<Strings> parse_principals(std::string_view list) {
  Strings names;
  while (!list.empty()) {
    const std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    if (!name.empty()) names.emplace_back(name);
  }
  if (names.empty()) return unusable("option principals names nobody");
  return names;
}

Result<> apply_expiry(const std::string& text, std::optional<WallTime>& expiry) {
  const auto time = parse_expiry_time(text);
  if (!time) return unusable("option expiry-time has a time that can't be read");
  expiry = expiry ? std::min(*expiry, *time) : *time;
  return {};
}

/// tunnel="n" picks the device of a tunnel. There are none here, so that it grants nothing.
Result<> check_tunnel(const std::string& text) {
  if (text == "any" || (!text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos))
    return {};
  return unusable("option tunnel has no number of a device");
}

Result<> apply_value(const Option& option, const Strings& permitted_environment, KeyOptions& options) {
  if (option.name == "from") return set_once(options.from, *option.value, option);
  if (option.name == "command") return set_once(options.grant.command, *option.value, option);
  if (option.name == "expiry-time") return apply_expiry(*option.value, options.expiry);
  if (option.name == "permitopen") return add_permission(options.grant.permit_open, option, false);
  if (option.name == "permitlisten") return add_permission(options.grant.permit_listen, option, true);
  if (option.name == "environment") return add_variable(options.grant, option, permitted_environment);
  if (option.name == "tunnel") return check_tunnel(*option.value);
  if (option.name == "principals") {
    auto names = parse_principals(*option.value);
    if (!names) return fail(names.error());
    return set_once(options.principals, std::move(*names), option);
  }
  return unusable(fmt::format("option {} is unknown", config::quoted(option.name)));
}

Result<> apply_flag(const std::string& name, KeyOptions& options) {
  struct Flag {
    std::string_view name;
    bool LoginGrant::*field;
  };
  static constexpr std::array<Flag, 5> kFlags{{{"pty", &LoginGrant::pty},
                                               {"agent-forwarding", &LoginGrant::agent_forwarding},
                                               {"port-forwarding", &LoginGrant::port_forwarding},
                                               {"x11-forwarding", &LoginGrant::x11_forwarding},
                                               {"user-rc", &LoginGrant::user_rc}}};
  LoginGrant& grant = options.grant;
  if (name == "restrict") {
    for (const Flag& flag : kFlags) grant.*flag.field = false;
    return {};
  }
  if (name == "cert-authority") {
    options.cert_authority = true;
    return {};
  }
  if (name == "touch-required" || name == "no-touch-required") {
    grant.touch_required = name == "touch-required";
    return {};
  }
  if (name == "verify-required" || name == "no-verify-required") {
    grant.verify_required = name == "verify-required";
    return {};
  }
  const bool negated = name.rfind("no-", 0) == 0;
  const std::string_view positive = std::string_view(name).substr(negated ? 3 : 0);
  const auto flag = std::find_if(kFlags.begin(), kFlags.end(), [positive](const Flag& one) { return one.name == positive; });
  if (flag == kFlags.end()) return unusable(fmt::format("option {} is unknown", config::quoted(name)));
  grant.*flag->field = !negated;
  return {};
}

}  // namespace

Result<KeyOptions> parse_key_options(std::string_view text, const Strings& permitted_environment) {
  KeyOptions options;
  while (!text.empty()) {
    const auto option = take_option(text);
    if (!option) return fail(option.error());
    auto applied = option->value ? apply_value(*option, permitted_environment, options) : apply_flag(option->name, options);
    if (!applied) return fail(applied.error());
  }
  return options;
}

Result<> check_key_options(const KeyOptions& options, const KeyQuery& query) {
  if (options.expiry && query.now >= *options.expiry) return fail(Errc::denied, "the key has expired");
  if (options.from) return check_source(*options.from, query.source);
  return {};
}

Result<LoginGrant> merge_grants(const LoginGrant& line, const LoginGrant& certificate) {
  if (line.command && certificate.command && *line.command != *certificate.command) {
    return fail(Errc::denied, "the certificate forces another command than the line that trusts it");
  }
  LoginGrant merged = line;
  merged.certificate = certificate.certificate;
  if (!merged.command) merged.command = certificate.command;
  for (const auto field : {&LoginGrant::pty, &LoginGrant::agent_forwarding, &LoginGrant::port_forwarding,
                           &LoginGrant::x11_forwarding, &LoginGrant::user_rc}) {
    merged.*field = line.*field && certificate.*field;
  }
  merged.touch_required = line.touch_required || certificate.touch_required;
  merged.verify_required = line.verify_required || certificate.verify_required;
  return merged;
}

}  // namespace sallyport::auth

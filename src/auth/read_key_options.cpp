// The options of an authorized_keys line (sshd(8)).
#include <algorithm>
#include <array>
#include <ctime>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "auth/key_line.hpp"
#include "config/document.hpp"
#include "config/match.hpp"

namespace sallyport::auth {
namespace {

struct Option {
  std::string name;  ///< in lower case
  std::optional<std::string> value;
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Takes the first option and the comma behind it.
Result<Option> take_option(std::string_view& text) {
  Option option;
  const std::size_t end = std::min(text.find_first_of("=,"), text.size());
  for (const char c : text.substr(0, end)) option.name += lower(c);
  text.remove_prefix(end);
  if (!text.empty() && text.front() == '=') {
    text.remove_prefix(1);
    if (text.empty() || text.front() != '"') return fail(Errc::unavailable, fmt::format("option {} has no value in quotation marks", config::quoted(option.name)));
    std::string value;
    std::size_t i = 1;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') ++i;
      value += text[i];
    }
    if (i == text.size()) return fail(Errc::unavailable, "a quotation mark is not closed");
    text.remove_prefix(i + 1);
    option.value = std::move(value);
  }
  if (text.empty()) return option;
  if (text.front() != ',' || text.size() == 1) return fail(Errc::unavailable, "the options are not separated by commas");
  text.remove_prefix(1);
  return option;
}

bool looks_numeric(std::string_view pattern) { return pattern.find_first_not_of("0123456789abcdefABCDEF:.*?/%") == std::string_view::npos; }

/// from="…": patterns and networks, the first "!" that matches keeps out. Names never match, since an address's name is what
/// its owner says; a negated name would so let everybody in, and is refused.
Result<> check_source(std::string_view list, const std::string& source) {
  const auto address = config::parse_ip(source);
  bool found = false;
  while (!list.empty()) {
    std::string_view pattern = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), pattern.size() + 1));
    const bool negated = !pattern.empty() && pattern.front() == '!';
    if (negated) pattern.remove_prefix(1);
    if (pattern.empty()) return fail(Errc::unavailable, "option from has an empty pattern");
    bool matches = false;
    if (pattern.find('/') != std::string_view::npos) {
      const auto network = config::parse_network(pattern);
      if (!network) return fail(Errc::unavailable, fmt::format("option from has a network that can't be read: {}", config::quoted(pattern)));
      if (!address && negated) return fail(Errc::denied, "the client's address is unknown");
      matches = address && network->contains(*address);
    } else if (negated && !looks_numeric(pattern)) {
      return fail(Errc::unavailable, "option from excludes a host by name: host names are not looked up");
    } else if (const auto exact = config::parse_ip(pattern)) {
      matches = address && *exact == *address;  // however it is written
    } else {
      matches = config::glob_matches(pattern, source);
    }
    if (matches && negated) return fail(Errc::denied, "option from excludes the client's address");
    found = found || matches;
  }
  if (!found) return fail(Errc::denied, "option from does not include the client's address");
  return {};
}

Result<> apply_flag(const std::string& name, LoginGrant& options) {
  struct Flag {
    std::string_view name;
    bool LoginGrant::*field;
  };
  static constexpr std::array<Flag, 5> kFlags{{{"pty", &LoginGrant::pty},
                                               {"agent-forwarding", &LoginGrant::agent_forwarding},
                                               {"port-forwarding", &LoginGrant::port_forwarding},
                                               {"x11-forwarding", &LoginGrant::x11_forwarding},
                                               {"user-rc", &LoginGrant::user_rc}}};
  if (name == "restrict") {
    for (const Flag& flag : kFlags) options.*flag.field = false;
    return {};
  }
  if (name == "no-touch-required") {
    options.touch_required = false;
    return {};
  }
  if (name == "verify-required") {
    options.verify_required = true;
    return {};
  }
  const bool negated = name.rfind("no-", 0) == 0;
  const std::string_view positive = std::string_view(name).substr(negated ? 3 : 0);
  const auto flag = std::find_if(kFlags.begin(), kFlags.end(), [positive](const Flag& one) { return one.name == positive; });
  if (flag == kFlags.end()) return fail(Errc::unavailable, fmt::format("option {} is unknown or not supported yet", config::quoted(name)));
  options.*flag->field = !negated;
  return {};
}

Result<> apply(const Option& option, const KeyQuery& query, LoginGrant& options) {
  if (option.name == "from" && option.value) return check_source(*option.value, query.source);
  if (option.name == "command" && option.value) {
    if (options.command) return fail(Errc::unavailable, "option command is there twice");
    options.command = *option.value;
    return {};
  }
  if (option.name == "expiry-time" && option.value) {
    const auto expiry = parse_expiry_time(*option.value);
    if (!expiry) return fail(Errc::unavailable, "option expiry-time has a time that can't be read");
    if (query.now >= *expiry) return fail(Errc::denied, "the key has expired");
    return {};
  }
  if (option.value) return fail(Errc::unavailable, fmt::format("option {} is unknown or not supported yet", config::quoted(option.name)));
  return apply_flag(option.name, options);
}

}  // namespace

std::optional<WallTime> parse_expiry_time(std::string_view text) {
  const bool utc = !text.empty() && (text.back() == 'Z' || text.back() == 'z');
  if (utc) text.remove_suffix(1);
  if (text.size() != 8 && text.size() != 12 && text.size() != 14) return std::nullopt;
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const auto field = [text](std::size_t at, std::size_t length) {
    int value = 0;
    for (const char c : text.substr(std::min(at, text.size()), length)) value = value * 10 + (c - '0');
    return value;
  };
  std::tm parts{};
  parts.tm_year = field(0, 4) - 1900;
  parts.tm_mon = field(4, 2) - 1;
  parts.tm_mday = field(6, 2);
  parts.tm_hour = field(8, 2);
  parts.tm_min = field(10, 2);
  parts.tm_sec = field(12, 2);
  parts.tm_isdst = -1;
  const std::tm asked = parts;
  const std::time_t seconds = utc ? ::timegm(&parts) : ::mktime(&parts);
  // The C library turns 31 February into March: what changes on the way was no date. (A changed hour is the summer's.)
  const bool same = parts.tm_year == asked.tm_year && parts.tm_mon == asked.tm_mon && parts.tm_mday == asked.tm_mday &&
                    asked.tm_hour < 24 && asked.tm_min < 60 && asked.tm_sec < 60;
  if (seconds == static_cast<std::time_t>(-1) || !same) return std::nullopt;
  return std::chrono::system_clock::from_time_t(seconds);
}

Result<LoginGrant> read_key_options(std::string_view text, const KeyQuery& query) {
  LoginGrant options;
  std::optional<Error> denied;
  while (!text.empty()) {
    auto option = take_option(text);
    if (!option) return fail(option.error());
    auto applied = apply(*option, query, options);
    if (applied) continue;
    // What can't be understood is reported before what keeps out, so that the administrator learns of it in any case.
    if (applied.error().code != Errc::denied) return fail(applied.error());
    if (!denied) denied = applied.error();
  }
  if (denied) return fail(*denied);
  return options;
}

}  // namespace sallyport::auth

#include "auth/keys/source_match.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "config/document.hpp"
#include "match/match.hpp"

namespace sallyport::auth {
namespace {

bool looks_numeric(std::string_view pattern) {
  return pattern.find_first_not_of("0123456789abcdefABCDEF:.*?/%") == std::string_view::npos;
}

/// Takes the first item of a list and the comma behind it.
std::string_view take_item(std::string_view& list) {
  const std::string_view item = list.substr(0, list.find(','));
  list.remove_prefix(std::min(list.size(), item.size() + 1));
  return item;
}

}  // namespace

Result<> check_source(std::string_view list, std::string_view source) {
  const auto address = config::parse_ip(source);
  bool found = false;
  bool excluded = false;
  while (!list.empty()) {
    std::string_view pattern = take_item(list);
    const bool negated = !pattern.empty() && pattern.front() == '!';
    if (negated) pattern.remove_prefix(1);
    if (pattern.empty()) return fail(Errc::unavailable, "option from has an empty pattern");
    bool matches = false;
    if (pattern.find('/') != std::string_view::npos) {
      const auto network = config::parse_network(pattern);
      if (!network)
        return fail(Errc::unavailable, fmt::format("option from has a network that can't be read: {}", config::quoted(pattern)));
      matches = address ? network->contains(*address) : negated;  // who is not known to be outside is kept out
    } else if (negated && !looks_numeric(pattern)) {
      return fail(Errc::unavailable, "option from excludes a host by name: host names are not looked up");
    } else if (const auto exact = config::parse_ip(pattern)) {
      matches = address && *exact == *address;  // however it is written
    } else {
      matches = config::glob_matches(pattern, source);
    }
    excluded = excluded || (matches && negated);
    found = found || (matches && !negated);
  }
  if (excluded) return fail(Errc::denied, "option from excludes the client's address");
  if (!found) return fail(Errc::denied, "option from does not include the client's address");
  return {};
}

Result<> check_source_networks(std::string_view list, std::string_view source) {
  const auto address = config::parse_ip(source);
  bool found = false;
  do {
    const std::string_view item = take_item(list);
    const auto network = config::parse_network(item);
    if (!network)
      return fail(Errc::denied, fmt::format("the certificate's source-address can't be read: {}", config::quoted(item)));
    found = found || (address && network->contains(*address));
  } while (!list.empty());
  if (!found) return fail(Errc::denied, "the certificate's source-address does not include the client's address");
  return {};
}

}  // namespace sallyport::auth

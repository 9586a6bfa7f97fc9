// `-C` and `sallyportctl explain`: which route and which channel rule win, and why the others do not.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <sallyport/config.hpp>
#include <sallyport/result.hpp>

#include "route/forwarding.hpp"
#include "route/resolved_target.hpp"

namespace sallyport::route {

/// A made-up login, and perhaps a made-up channel of it.
struct ExplainQuery {
  std::string user;
  std::optional<std::string> target;
  std::string source;
  /// What the channel asks for. Absent: exec when there is a command, subsystem when there is one, direct-tcpip or
  /// direct-streamlocal when there is a destination, else shell.
  std::optional<std::string> request;
  std::optional<std::string> command;
  std::optional<std::string> subsystem;
  std::optional<Destination> destination;
};

/// Reads `user=…,target=…,source=…,command=…` (also request=, subsystem= and destination=); `command` takes the rest of the text, so it
/// may hold commas and comes last. `user` may be a whole login name. Errc::config names what is wrong.
Result<ExplainQuery> parse_explain_query(std::string_view text, const Config& config);

/// One route or rule that was looked at. `reason` says why it did not match; empty for the one that won.
struct Considered {
  std::string name;
  std::string reason;
};

/// The answer. `denied` holds what the client would be told; absent with a `target`.
struct Explanation {
  ExplainQuery query;
  std::vector<Considered> routes;
  std::optional<std::string> route;
  std::string request;  ///< of the channel
  std::vector<Considered> rules;
  std::optional<std::string> rule;  ///< absent: none matched, the route's target it is
  std::optional<ResolvedTarget> target;
  std::optional<std::string> denied;
  std::string denied_detail;  ///< what the client isn't told; empty when there is no more to say
};

Explanation explain(const std::shared_ptr<const Config>& config, const ExplainQuery& query);

/// For people: several lines, each ending in a newline.
std::string to_text(const Explanation& explanation);
/// The same for programs.
nlohmann::json to_json(const Explanation& explanation);

}  // namespace sallyport::route

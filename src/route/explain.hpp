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

#include "match/time_window.hpp"
#include "route/forwarding.hpp"
#include "route/policy.hpp"
#include "route/resolved_target.hpp"

namespace sallyport::route {

/// A made-up login, and perhaps a made-up channel of it.
struct ExplainQuery {
  std::string user;
  std::optional<std::string> target;
  std::string source;
  bool mfa = false;                      ///< it has a second factor
  std::optional<config::WeekTime> time;  ///< of the login and the channel; absent: now
  /// What the channel asks for. Absent: exec when there is a command, subsystem when there is one, direct-tcpip or
  /// direct-streamlocal when there is a destination, else shell.
  std::optional<Act> request;
  std::optional<std::string> command;
  std::optional<std::string> subsystem;
  std::optional<Destination> destination;  ///< of a forward, or where it is to listen
};

/// Reads `user=…,target=…,source=…,command=…` (also mfa=yes, time=Mon 09:30, request=, subsystem= and destination=); `command`
/// takes the rest of the text, so it may hold commas and comes last. `user` may be a whole login name. Errc::config names what is
/// wrong.
Result<ExplainQuery> parse_explain_query(std::string_view text, const Config& config);

/// One route or rule that was looked at. `reason` says why it did not match; empty for the one that won.
struct Considered {
  std::string name;
  std::string reason;
};

/// The answer. `denied` holds what the client would be told. Keys and certificates are not part of the question: their options
/// could only narrow what comes out.
struct Explanation {
  ExplainQuery query;
  std::vector<Considered> routes;
  std::optional<std::string> route;
  Act request = Act::shell;  ///< of the channel
  std::vector<Considered> rules;
  std::optional<std::string> rule;       ///< absent: none matched, the route's target it is
  std::string decided_by;                ///< what made the decision
  std::optional<ResolvedTarget> target;  ///< where it leads; absent when it is denied, or leads nowhere
  std::optional<Program> program;        ///< what runs, when that isn't what was asked for
  std::optional<std::string> denied;
  std::string denied_detail;  ///< what the client isn't told; empty when there is no more to say
};

Explanation explain(const std::shared_ptr<const Config>& config, const ExplainQuery& query);

/// For people: several lines, each ending in a newline.
std::string to_text(const Explanation& explanation);
/// The same for programs.
nlohmann::json to_json(const Explanation& explanation);

}  // namespace sallyport::route

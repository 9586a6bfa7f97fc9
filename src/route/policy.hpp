// The one decision about everything that a client does: whether it may, where it leads, and by which rule.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <sallyport/login_grant.hpp>

#include "match/time_window.hpp"
#include "route/acts.hpp"
#include "route/forwarding.hpp"
#include "route/router.hpp"

namespace sallyport::route {

class Judge;  // policy.cpp

/// All that is known of a login and bears on what it may do. It is for one question: nothing in it is kept.
struct Standing {
  const Decision* decision = nullptr;  ///< null: no route; `refusal` is what the client is told
  std::string_view refusal = {};
  const LoginGrant& grant;
  bool inner = false;                        ///< it came by a terminated jump
  std::optional<config::WeekTime> now = {};  ///< absent: no route with `valid` is
};

/// A shell, an exec or a subsystem, as it runs in the end.
struct Program {
  Act act = Act::shell;
  std::string argument;                 ///< exec's command line, the subsystem's name
  std::optional<std::string> original;  ///< for SSH_ORIGINAL_COMMAND
  bool forced = false;                  ///< the configuration, a key or a certificate chose it
};

/// What the client wants.
struct Ask {
  Act act;
  std::string_view argument = {};            ///< of exec, subsystem and env: the command line, the name
  const Destination* destination = nullptr;  ///< of forwards: never null for them
  const Program* running = nullptr;          ///< of signal: what runs there; null: nothing does
  bool has_pty = false;                      ///< of shell, exec and subsystem: with a terminal
};

/// The proof that something may be done. Only decide() makes one, and what mux opens for a client takes one: nothing gets
/// there without having been decided.
class Permit {
 public:
  /// Programs, forwards, loans and the channels of targets do; nothing else.
  bool leads_somewhere() const { return target_.has_value(); }
  /// Where it leads, if it does.
  const ResolvedTarget& target() const { return *target_; }
  /// Of shell, exec and subsystem: what runs.
  const Program& program() const { return program_; }

 private:
  friend class Judge;
  Permit() = default;
  std::optional<ResolvedTarget> target_;
  Program program_;
};

/// `told` is for the client: a rule's own words, or short and honest ones of ours. `detail` is for the log.
struct Denial {
  std::string told;
  std::string detail;
};

struct Verdict {
  std::variant<Permit, Denial> outcome;
  std::string rule;                         ///< what decided, for the administrator: "force_command of route \"web\""
  std::optional<std::size_t> channel_rule;  ///< which of the route's rules matched; absent: none, or none was asked

  /// Null when it was denied.
  const Permit* permit() const { return std::get_if<Permit>(&outcome); }
  /// Null when it was not.
  const Denial* denial() const { return std::get_if<Denial>(&outcome); }
  /// For the log, of a denial: what was wrong and the rule.
  std::string reason() const;
};

/// Decides. Pure, and the same for an equal question. In the order of precedence:
/// - what Sallyport doesn't know is denied: a target might know it;
/// - the options of the key or the certificate only narrow;
/// - the route must be there, `valid` now, and what it requires met;
/// - its channel rules say where a channel ends, or deny it;
/// - the options of the route and that target: forwarding lists, `permit_…`, `force_command`.
Verdict decide(const Standing& who, const Ask& ask);

/// Where every program of the client's ends, whatever it may turn out to be. Absent: nowhere, or a rule of the route has a say in
/// it. That a program may run there is still for decide() to say.
std::optional<ResolvedTarget> only_end(const Standing& who);

}  // namespace sallyport::route

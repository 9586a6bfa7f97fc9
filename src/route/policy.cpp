#include "route/policy.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/document.hpp"
#include "config/option_table.hpp"
#include "match/match.hpp"
#include "match/names.hpp"
#include "route/listening.hpp"
#include "route/match_reason.hpp"
#include "route/permit_list.hpp"

namespace sallyport::route {
namespace {

constexpr std::string_view kBuiltIn = "built in";
constexpr std::string_view kOriginalCommand = "SSH_ORIGINAL_COMMAND";

bool any_glob(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [text](const std::string& pattern) { return config::glob_matches(pattern, text); });
}

/// Where the login's restrictions come from.
std::string name_of(const LoginGrant& grant) {
  if (!grant.file.empty()) return fmt::format("the key's options ({}:{})", grant.file, grant.line);
  return grant.certificate ? "the certificate" : "the key's options";
}

std::string name_of(const Route& route) { return "route " + config::quoted(route.name); }

/// Who has set the key that holds at `target`: an option, or a key that targets alone have.
std::string name_of(const Decision& decision, const ResolvedTarget& target, std::string_view key) {
  if (config::says(decision.route().options, key)) return fmt::format("{} of {}", key, name_of(decision.route()));
  const auto configured = decision.config->targets.find(target.name);
  const bool targets_own = configured != decision.config->targets.end() && config::says(configured->second.options, key);
  return targets_own || !config::is_option(key) ? fmt::format("{} of target {}", key, target.name)
                                                : fmt::format("{} of [defaults]", key);
}

bool is_about_programs(const ChannelRule& rule) {
  return std::any_of(rule.requests.begin(), rule.requests.end(), [](const std::string& request) {
    return request == "session" || request == info_of(Act::shell).rule || request == info_of(Act::exec).rule ||
           request == info_of(Act::subsystem).rule;
  });
}

ChannelQuery query_of(const Program& program) {
  ChannelQuery query{info_of(program.act).rule};
  (program.act == Act::subsystem ? query.subsystem : query.command) = program.argument;
  return query;
}

}  // namespace

/// One question.
class Judge {
 public:
  Judge(const Standing& who, const Ask& ask) : who_(who), ask_(ask) {}

  Verdict decide() {
    switch (ask_.act) {
      case Act::session:  // leads nowhere by itself, and is the place where a client can be told anything
      case Act::window_change:
      case Act::send_break:
      case Act::end_of_write:
      case Act::simple_channel:
      case Act::window_probe:
      case Act::cancel_tcpip_forward:  // only ever a forward of the same connection
      case Act::cancel_streamlocal_forward:
      case Act::no_more_sessions:
      case Act::prove_host_keys:  // of the bastion
        return allow(kBuiltIn);
      case Act::unknown_channel: return deny(kBuiltIn, "unknown channel type");
      case Act::unknown_global: return deny(kBuiltIn, "unknown global request");
      case Act::unknown_request: return deny(kBuiltIn, "unknown request");
      case Act::env:
        // With a forced command it must be what the client asked for and nothing else.
        return ask_.argument == kOriginalCommand ? deny(kBuiltIn, "the variable is the bastion's own") : allow(kBuiltIn);
      case Act::signal: return signal();
      case Act::pty: return pty();
      case Act::shell:
      case Act::exec:
      case Act::subsystem: return program();
      case Act::lend_agent: return lend(who_.grant.agent_forwarding, &Options::forward_agent);
      case Act::lend_display: return lend(who_.grant.x11_forwarding, &Options::forward_x11);
      case Act::direct_tcpip:
      case Act::direct_streamlocal: return forward();
      case Act::tcpip_forward:
      case Act::streamlocal_forward: return listen();
      case Act::forwarded_tcpip:
      case Act::forwarded_streamlocal: return arrive(who_.grant.port_forwarding);
      case Act::agent_channel: return arrive(who_.grant.agent_forwarding);
      case Act::display_channel: return arrive(who_.grant.x11_forwarding);
    }
    return deny(kBuiltIn, "unknown");  // not reached: the compiler knows them all
  }

 private:
  Verdict allow(std::string_view rule) { return {Permit(), std::string(rule), channel_rule_}; }
  Verdict allow(std::string rule, ResolvedTarget target, Program program = {}) {
    Permit permit;
    permit.target_ = std::move(target);
    permit.program_ = std::move(program);
    return {std::move(permit), std::move(rule), channel_rule_};
  }
  Verdict deny(std::string_view rule, std::string_view told, std::string_view detail) {
    return {Denial{std::string(told), std::string(detail)}, std::string(rule), channel_rule_};
  }
  Verdict deny(std::string_view rule, std::string_view told) { return deny(rule, told, told); }
  Verdict deny_by_grant(std::string_view told) {
    return deny(name_of(who_.grant), told, who_.grant.certificate ? "the certificate forbids it" : "the key's options forbid it");
  }
  Verdict deny_by_rule(const ChannelDenied& denied) { return deny(channel_rule_name(), denied.told); }

  /// What every way to somewhere takes: a route, and what it requires.
  std::optional<Verdict> why_nowhere() {
    if (who_.decision == nullptr) return deny("no route", who_.refusal);
    if (auto unmet = unmet_requirement(route(), who_.decision->query, who_.now))
      return deny(fmt::format("{} of {}", unmet->key, name_of(route())), unmet->told, unmet->detail);
    return std::nullopt;
  }

  const Route& route() const { return who_.decision->route(); }

  std::string channel_rule_name() const {
    if (!channel_rule_) return name_of(route());
    return fmt::format("{} of {}", rule_name(*channel_rule_, route().channels[*channel_rule_]), name_of(route()));
  }

  ChannelDecision end_of(const ChannelQuery& query) {
    ChannelDecision decision = decide_channel(*who_.decision, query);
    channel_rule_ = decision.rule;
    return decision;
  }

  Verdict signal() {
    if (ask_.running == nullptr || (!ask_.running->forced && ask_.running->act != Act::subsystem)) return allow(kBuiltIn);
    return deny(kBuiltIn, ask_.running->forced ? "no signals to a forced command" : "no signals to a subsystem");
  }

  Verdict pty() {
    constexpr std::string_view kTold = "a terminal is not allowed";
    if (!who_.grant.pty) return deny_by_grant(kTold);
    // Where the session ends isn't known yet. If that is elsewhere, the program is asked about with its terminal.
    if (who_.decision == nullptr || who_.decision->target.options.permit_pty) return allow(kBuiltIn);
    return deny(rule_of(who_.decision->target, &Options::permit_pty), kTold, "permit_pty is false");
  }

  Verdict program() {
    if (auto nowhere = why_nowhere()) return std::move(*nowhere);
    Program program{ask_.act, std::string(ask_.argument), std::nullopt, false};
    std::string forced_by;
    if (who_.grant.command) {
      forced_by = name_of(who_.grant);
      if (auto denied = force(program, *who_.grant.command, forced_by)) return std::move(*denied);
    }
    ChannelDecision end = end_of(query_of(program));
    if (const ChannelDenied* denied = end.denied()) return deny_by_rule(*denied);
    const ResolvedTarget& target = *end.target();
    const Options& options = target.options;
    if (ask_.act == Act::subsystem && !any_glob(options.permit_subsystems, ask_.argument))
      return deny(rule_of(target, &Options::permit_subsystems), "this subsystem is not allowed",
                  fmt::format("not in permit_subsystems ({})", fmt::join(options.permit_subsystems, ", ")));
    if (options.force_command) {
      forced_by = rule_of(target, &Options::force_command);
      if (auto denied = force(program, *options.force_command, forced_by)) return std::move(*denied);
    }
    if (ask_.has_pty && !options.permit_pty)
      return deny(rule_of(target, &Options::permit_pty), "a terminal is not allowed", "permit_pty is false");
    if (auto denied = why_not_account(target)) return std::move(*denied);
    return allow(forced_by.empty() ? channel_rule_name() : forced_by, target, std::move(program));
  }

  /// Of a target of kind "local": whether its account is one that may be used. What only the system knows is asked there
  /// (child/account/local_login).
  std::optional<Verdict> why_not_account(const ResolvedTarget& target) {
    const LocalSettings& local = target.local;
    if (target.kind != TargetKind::local || local.user.empty() ||
        config::is_permitted_account(local.permit_accounts, local.user, local.user == "root"))
      return std::nullopt;
    return deny(fmt::format("permit_accounts of target {}", target.name), "this account is not allowed",
                fmt::format("account {} is not in permit_accounts ({})", local.user, fmt::join(local.permit_accounts, ", ")));
  }

  /// Puts the command, which `rule` demands, in the place of what was asked for. A denial when it leaves no place for that:
  /// internal-sftp and something else than sftp; internal-sftp with arguments, without which more would be granted than was
  /// written.
  std::optional<Verdict> force(Program& program, const std::string& command, std::string_view rule) {
    if (config::is_sftp_with_arguments(command))
      return deny(
          rule, "the forced command is not supported here",
          fmt::format("the forced command is {}: internal-sftp is supported without arguments only", config::quoted(command)));
    if (command == config::kInternalSftp) {
      program = {Act::subsystem, "sftp", std::nullopt, true};
      if (ask_.act == Act::subsystem && ask_.argument == "sftp") return std::nullopt;
      return deny(rule, "this service allows sftp connections only", "the forced command is internal-sftp");
    }
    program = {Act::exec, command, std::nullopt, true};
    if (ask_.act != Act::shell) program.original = std::string(ask_.argument);
    return std::nullopt;
  }

  Verdict lend(bool granted, bool Options::*option) {
    constexpr std::string_view kTold = "forwarding is not allowed";
    if (!granted) return deny_by_grant(kTold);
    if (auto nowhere = why_nowhere()) return std::move(*nowhere);
    ChannelDecision end = end_of({info_of(ask_.act).rule});
    if (const ChannelDenied* denied = end.denied()) return deny_by_rule(*denied);
    const ResolvedTarget& target = *end.target();
    if (target.kind == TargetKind::local)
      return deny(channel_rule_name(), kTold, fmt::format("target {} is the bastion itself", target.name));
    const std::string rule = rule_of(target, option);
    if (!(target.options.*option)) return deny(rule, kTold, fmt::format("{} is false", config::option_name(option)));
    return allow(rule, target);
  }

  Verdict forward() {
    const Destination& to = *ask_.destination;
    if (!who_.grant.port_forwarding) return deny_by_grant("forwarding is not allowed");
    if (const auto why = why_unsound(to)) return deny(kBuiltIn, *why);
    if (who_.grant.permit_open && !permits_open(*who_.grant.permit_open, to))
      return deny(name_of(who_.grant), "forwarding to this destination is not allowed",
                  fmt::format("not in permitopen ({})", fmt::join(*who_.grant.permit_open, ", ")));
    if (auto nowhere = why_nowhere()) return std::move(*nowhere);
    const ChannelDecision end = end_of({info_of(ask_.act).rule});
    if (const ChannelDenied* denied = end.denied()) return deny_by_rule(*denied);
    const ResolvedTarget& target = *end.target();
    if (const auto why = why_not_forwarded(target, to)) return deny_by_option(target, *why);
    if (to.is_socket && target.options.jump == Jump::direct) {
      if (auto denied = why_not_account(target)) return std::move(*denied);
    }
    // One connection inside another is what a jump host is for; without an end to it, it would be a way to fill a bastion.
    if (who_.inner && target.options.jump == Jump::terminate)
      return deny(kBuiltIn, "forwarding is not allowed", "it came by a terminated jump itself");
    return allow(rule_of(target, &Options::local_forwarding), target);
  }

  Verdict listen() {
    const Destination& at = *ask_.destination;
    if (!who_.grant.port_forwarding) return deny_by_grant("forwarding is not allowed");
    if (const auto why = why_unlistenable(at)) return deny(kBuiltIn, *why);
    if (who_.grant.permit_listen && !permits_listen(*who_.grant.permit_listen, at))
      return deny(name_of(who_.grant), "forwarding from this address is not allowed",
                  fmt::format("not in permitlisten ({})", fmt::join(*who_.grant.permit_listen, ", ")));
    if (auto nowhere = why_nowhere()) return std::move(*nowhere);
    const ChannelDecision end = end_of({info_of(ask_.act).rule});
    if (const ChannelDenied* denied = end.denied()) return deny_by_rule(*denied);
    const ResolvedTarget& target = *end.target();
    if (const auto why = why_not_listened(target, at)) return deny_by_option(target, *why);
    return allow(rule_of(target, &Options::remote_forwarding), target);
  }

  Verdict deny_by_option(const ResolvedTarget& target, const ForwardObjection& why) {
    return deny(rule_of(target, why.key), why.told, why.detail);
  }

  std::string rule_of(const ResolvedTarget& target, std::string_view key) const { return name_of(*who_.decision, target, key); }
  template <typename T>
  std::string rule_of(const ResolvedTarget& target, T Options::*option) const {
    return rule_of(target, config::option_name(option));
  }

  /// A channel that a target opens: what it belongs to has been allowed, and may have come to its end meanwhile.
  Verdict arrive(bool granted) {
    if (!granted) return deny_by_grant("forwarding is not allowed");
    if (auto nowhere = why_nowhere()) return std::move(*nowhere);
    return allow(name_of(route()), who_.decision->target);
  }

  const Standing& who_;
  const Ask& ask_;
  std::optional<std::size_t> channel_rule_;
};

std::string Verdict::reason() const {
  const Denial* denied = denial();
  if (denied == nullptr) return {};
  return rule == kBuiltIn || rule == "no route" ? denied->detail : fmt::format("{} ({})", denied->detail, rule);
}

Verdict decide(const Standing& who, const Ask& ask) { return Judge(who, ask).decide(); }

std::optional<ResolvedTarget> only_end(const Standing& who) {
  if (who.decision == nullptr) return std::nullopt;
  const Route& route = who.decision->route();
  if (unmet_requirement(route, who.decision->query, who.now)) return std::nullopt;
  if (std::any_of(route.channels.begin(), route.channels.end(), is_about_programs)) return std::nullopt;
  return who.decision->target;
}

}  // namespace sallyport::route

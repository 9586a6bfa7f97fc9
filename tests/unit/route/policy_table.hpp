// What the policy is to say: every act against every restriction. Used by the tests of the policy itself and of mux, which asks
// it.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "route/policy.hpp"
#include "unit/route/config_text.hpp"

namespace sallyport::route {

/// One thing that narrows what a client may do, alone.
enum class Restriction : std::uint8_t {
  none,
  no_pty,
  no_port_forwarding,
  no_agent_forwarding,
  no_x11_forwarding,
  restrict,
  key_command,
  permit_open,    // another destination than the one that is asked for
  permit_listen,  // likewise
  permit_pty,
  permit_subsystems,
  force_command,
  local_forwarding,
  remote_forwarding,
  forward_agent,
  forward_x11,
  valid,    // the login was made in time, the channel isn't
  require,  // not met
  no_route,
  deny_session,
  deny_direct,
  deny_listening,
  deny_lending,
  local_target,
  inner_jump,  // jump = "terminate" for a client that came by one
  internal_sftp,
};
inline constexpr std::size_t kRestrictionCount = static_cast<std::size_t>(Restriction::internal_sftp) + 1;

/// `outcomes` has a letter for each restriction: '+' allowed as it is asked, '-' denied, 'x' something else is run.
struct PolicyRow {
  Act act;
  std::string_view outcomes;
};

// Columns, as Restriction has them:
//                                     ┌ none, no_pty, no_port_forwarding, no_agent_forwarding, no_x11_forwarding, restrict
//                                     │     ┌ key_command, permit_open, permit_listen
//                                     │     │  ┌ permit_pty, permit_subsystems, force_command
//                                     │     │  │  ┌ local_forwarding, remote_forwarding, forward_agent, forward_x11
//                                     │     │  │  │   ┌ valid, require, no_route
//                                     │     │  │  │   │  ┌ deny_session, deny_direct, deny_listening, deny_lending
//                                     │     │  │  │   │  │   ┌ local_target, inner_jump, internal_sftp
inline constexpr std::array<PolicyRow, kActCount> kPolicyTable{{
    {Act::session,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::direct_tcpip,
     "++-++-"
     "+-+"
     "+++"
     "-+++"
     "---"
     "+-++"
     "--+"},
    {Act::direct_streamlocal,
     "++-++-"
     "+-+"
     "+++"
     "-+++"
     "---"
     "+-++"
     "--+"},
    {Act::unknown_channel,
     "------"
     "---"
     "---"
     "----"
     "---"
     "----"
     "---"},
    {Act::shell,
     "++++++"
     "x++"
     "++x"
     "++++"
     "---"
     "-+++"
     "++-"},
    {Act::exec,
     "++++++"
     "x++"
     "++x"
     "++++"
     "---"
     "-+++"
     "++-"},
    {Act::subsystem,
     "++++++"
     "x++"
     "+-x"
     "++++"
     "---"
     "-+++"
     "+++"},
    {Act::pty,
     "+-+++-"
     "+++"
     "-++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::env,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::lend_agent,
     "+++-+-"
     "+++"
     "+++"
     "++-+"
     "---"
     "+++-"
     "-++"},
    {Act::lend_display,
     "++++--"
     "+++"
     "+++"
     "+++-"
     "---"
     "+++-"
     "-++"},
    {Act::window_change,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::signal,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::send_break,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::end_of_write,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::simple_channel,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::window_probe,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::unknown_request,
     "------"
     "---"
     "---"
     "----"
     "---"
     "----"
     "---"},
    {Act::tcpip_forward,
     "++-++-"
     "++-"
     "+++"
     "+-++"
     "---"
     "++-+"
     "-++"},
    {Act::streamlocal_forward,
     "++-++-"
     "++-"
     "+++"
     "+-++"
     "---"
     "++-+"
     "-++"},
    {Act::cancel_tcpip_forward,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::cancel_streamlocal_forward,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::no_more_sessions,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::prove_host_keys,
     "++++++"
     "+++"
     "+++"
     "++++"
     "+++"
     "++++"
     "+++"},
    {Act::unknown_global,
     "------"
     "---"
     "---"
     "----"
     "---"
     "----"
     "---"},
    {Act::forwarded_tcpip,
     "++-++-"
     "+++"
     "+++"
     "++++"
     "---"
     "++++"
     "+++"},
    {Act::forwarded_streamlocal,
     "++-++-"
     "+++"
     "+++"
     "++++"
     "---"
     "++++"
     "+++"},
    {Act::agent_channel,
     "+++-+-"
     "+++"
     "+++"
     "++++"
     "---"
     "++++"
     "+++"},
    {Act::display_channel,
     "++++--"
     "+++"
     "+++"
     "++++"
     "---"
     "++++"
     "+++"},
}};

constexpr bool policy_table_is_complete() {
  for (std::size_t i = 0; i < kActCount; ++i)
    if (static_cast<std::size_t>(kPolicyTable[i].act) != i || kPolicyTable[i].outcomes.size() != kRestrictionCount) return false;
  return true;
}
static_assert(policy_table_is_complete(), "an act or a restriction has no place in the table");

constexpr char expected_outcome(Act act, Restriction restriction) {
  return kPolicyTable[static_cast<std::size_t>(act)].outcomes[static_cast<std::size_t>(restriction)];
}

inline constexpr std::string_view kKeyCommand = "of the key";
inline constexpr std::string_view kForcedCommand = "of the route";
/// Inside and outside of `valid`.
inline constexpr config::WeekTime kOpenTime{0, 10 * 60};
inline constexpr config::WeekTime kClosedTime{0, 20 * 60};

/// A client under that restriction. Everything else is allowed it.
struct Restricted {
  explicit Restricted(Restriction restriction) : config(config_of(text_of(restriction))) {
    const std::string target = restriction == Restriction::local_target ? "shell" : "web1";
    RouteQuery query{"alice", target, "192.0.2.1", true, kOpenTime};
    if (restriction == Restriction::no_route) query.target = "nowhere";
    if (auto found = Router(config).route(query)) {
      decision = std::move(*found);
      decision->query.mfa = restriction != Restriction::require;
    } else {
      refusal = found.error().detail;
    }
    now = restriction == Restriction::valid ? kClosedTime : kOpenTime;
    inner = restriction == Restriction::inner_jump;
    grant = grant_of(restriction);
  }

  static LoginGrant grant_of(Restriction restriction) {
    LoginGrant grant;
    switch (restriction) {
      case Restriction::no_pty: grant.pty = false; break;
      case Restriction::no_port_forwarding: grant.port_forwarding = false; break;
      case Restriction::no_agent_forwarding: grant.agent_forwarding = false; break;
      case Restriction::no_x11_forwarding: grant.x11_forwarding = false; break;
      case Restriction::restrict:
        grant.pty = grant.agent_forwarding = grant.port_forwarding = grant.x11_forwarding = grant.user_rc = false;
        break;
      case Restriction::key_command: grant.command = kKeyCommand; break;
      case Restriction::permit_open: grant.permit_open = {"elsewhere:80"}; break;
      case Restriction::permit_listen: grant.permit_listen = {"elsewhere:80"}; break;
      default: break;
    }
    return grant;
  }

  static std::string text_of(Restriction restriction) {
    const auto given = [restriction](Restriction when, std::string_view text, std::string_view otherwise) {
      return std::string(restriction == when ? text : otherwise) + "\n";
    };
    return "[target.web1]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\n"
           "[target.shell]\nkind='local'\nsubsystems={ sftp=['/usr/lib/sftp-server'] }\n"
           "[[route]]\nname='all'\ntargets=['web1', 'shell']\nto='{target}'\n" +
           given(Restriction::permit_pty, "permit_pty=false", "") +
           given(Restriction::permit_subsystems, "permit_subsystems=[]", "") +
           given(Restriction::force_command, "force_command='of the route'", "") +
           given(Restriction::internal_sftp, "force_command='internal-sftp'", "") +
           given(Restriction::local_forwarding, "", "local_forwarding=['*']") +
           given(Restriction::remote_forwarding, "", "remote_forwarding=['*']") +
           given(Restriction::forward_agent, "", "forward_agent=true") + given(Restriction::forward_x11, "", "forward_x11=true") +
           given(Restriction::valid, "valid=['Mon-Fri 08:00-18:00']", "") + given(Restriction::require, "require=['mfa']", "") +
           given(Restriction::inner_jump, "jump='terminate'", "") +
           given(Restriction::deny_session, "[[route.channel]]\nrequest='session'\ndeny='no'", "") +
           given(Restriction::deny_direct, "[[route.channel]]\nrequest=['direct-tcpip', 'direct-streamlocal']\ndeny='no'", "") +
           given(Restriction::deny_listening, "[[route.channel]]\nrequest=['tcpip-forward', 'streamlocal-forward']\ndeny='no'",
                 "") +
           given(Restriction::deny_lending, "[[route.channel]]\nrequest=['agent', 'x11']\ndeny='no'", "");
  }

  std::shared_ptr<const Config> config;
  std::optional<Decision> decision;
  std::string refusal;
  LoginGrant grant;
  bool inner = false;
  config::WeekTime now;
};

}  // namespace sallyport::route

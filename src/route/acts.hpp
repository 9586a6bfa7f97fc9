// Everything that can be asked for over an authenticated connection, by the names of the wire and of the configuration.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::route {

/// One thing that a client, or a target on its behalf, may want. What is not listed is one of the `unknown_…` acts. How
/// each is said on the wire, with its fields, is in wire/vocabulary.hpp.
enum class Act : std::uint8_t {
  // channels that a client opens
  session,
  direct_tcpip,
  direct_streamlocal,
  unknown_channel,
  // what it asks of a session
  shell,
  exec,
  subsystem,
  pty,
  env,
  lend_agent,
  lend_display,
  window_change,
  signal,
  send_break,
  end_of_write,
  simple_channel,
  window_probe,
  unknown_request,
  // its global requests
  tcpip_forward,
  streamlocal_forward,
  cancel_tcpip_forward,
  cancel_streamlocal_forward,
  no_more_sessions,
  prove_host_keys,
  unknown_global,
  // channels that a target opens to it
  forwarded_tcpip,
  forwarded_streamlocal,
  agent_channel,
  display_channel,
};

inline constexpr std::size_t kActCount = static_cast<std::size_t>(Act::display_channel) + 1;

enum class ActKind : std::uint8_t { client_channel, session_request, global_request, target_channel };

struct ActInfo {
  Act act;
  ActKind kind;
  std::string_view wire;  ///< the type or the name in the message; empty: any that is not listed
  std::string_view rule;  ///< what [[route.channel]] calls it, and explain; empty: no rule can be about it
  /// As people name it: the configuration's word, or else the protocol's.
  constexpr std::string_view name() const { return rule.empty() ? wire : rule; }
};

/// By the number of the act.
inline constexpr std::array<ActInfo, kActCount> kActs{{
    {Act::session, ActKind::client_channel, "session", ""},
    {Act::direct_tcpip, ActKind::client_channel, "direct-tcpip", "direct-tcpip"},
    {Act::direct_streamlocal, ActKind::client_channel, "direct-streamlocal@openssh.com", "direct-streamlocal"},
    {Act::unknown_channel, ActKind::client_channel, "", ""},
    {Act::shell, ActKind::session_request, "shell", "shell"},
    {Act::exec, ActKind::session_request, "exec", "exec"},
    {Act::subsystem, ActKind::session_request, "subsystem", "subsystem"},
    {Act::pty, ActKind::session_request, "pty-req", ""},
    {Act::env, ActKind::session_request, "env", ""},
    {Act::lend_agent, ActKind::session_request, "auth-agent-req@openssh.com", "agent"},
    {Act::lend_display, ActKind::session_request, "x11-req", "x11"},
    {Act::window_change, ActKind::session_request, "window-change", ""},
    {Act::signal, ActKind::session_request, "signal", ""},
    {Act::send_break, ActKind::session_request, "break", ""},
    {Act::end_of_write, ActKind::session_request, "eow@openssh.com", ""},
    {Act::simple_channel, ActKind::session_request, "simple@putty.projects.tartarus.org", ""},
    {Act::window_probe, ActKind::session_request, "winadj@putty.projects.tartarus.org", ""},
    {Act::unknown_request, ActKind::session_request, "", ""},
    {Act::tcpip_forward, ActKind::global_request, "tcpip-forward", "tcpip-forward"},
    {Act::streamlocal_forward, ActKind::global_request, "streamlocal-forward@openssh.com", "streamlocal-forward"},
    {Act::cancel_tcpip_forward, ActKind::global_request, "cancel-tcpip-forward", ""},
    {Act::cancel_streamlocal_forward, ActKind::global_request, "cancel-streamlocal-forward@openssh.com", ""},
    {Act::no_more_sessions, ActKind::global_request, "no-more-sessions@openssh.com", ""},
    {Act::prove_host_keys, ActKind::global_request, "hostkeys-prove-00@openssh.com", ""},
    {Act::unknown_global, ActKind::global_request, "", ""},
    {Act::forwarded_tcpip, ActKind::target_channel, "forwarded-tcpip", ""},
    {Act::forwarded_streamlocal, ActKind::target_channel, "forwarded-streamlocal@openssh.com", ""},
    {Act::agent_channel, ActKind::target_channel, "auth-agent@openssh.com", ""},
    {Act::display_channel, ActKind::target_channel, "x11", ""},
}};

constexpr bool acts_are_in_order() {
  for (std::size_t i = 0; i < kActCount; ++i)
    if (static_cast<std::size_t>(kActs[i].act) != i) return false;
  return true;
}
static_assert(acts_are_in_order(), "every act has its row, at its number");

constexpr const ActInfo& info_of(Act act) { return kActs[static_cast<std::size_t>(act)]; }

/// What a message of that kind with that type or name asks for. Nothing for a channel of a target's of an unknown type, which
/// is nobody's.
constexpr std::optional<Act> act_of(ActKind kind, std::string_view wire) {
  std::optional<Act> unknown;
  for (const ActInfo& info : kActs) {
    if (info.kind != kind) continue;
    if (info.wire.empty()) {
      unknown = info.act;
    } else if (info.wire == wire) {
      return info.act;
    }
  }
  return unknown;
}

}  // namespace sallyport::route

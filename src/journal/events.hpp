// The event of the audit trail that a fact comes to.
#pragma once

#include <concepts>

#include <sallyport/facts.hpp>

#include "log/records.hpp"

namespace sallyport::journal {

template <typename Fact, typename... Facts>
concept OneOf = (std::same_as<Fact, Facts> || ...);

/// Facts that an audit trail is not for: they have a line in the log and nothing else.
template <typename Fact>
concept Unaudited = OneOf<
    Fact, facts::ConnectionDropped, facts::ProxyHeaderFailed, facts::ProxyHeaderRead, facts::HealthChecked, facts::KeyFileFaulty,
    facts::KeysUnavailable, facts::IdentityUnavailable, facts::MethodPassed,
    facts::ConnectionNegotiated,  //
    facts::RouteFull, facts::GrantLost, facts::ClientMessageIgnored, facts::ClientChannelStep, facts::SessionStep,
    facts::TrunkWaiting, facts::TrunkReady, facts::TrunkSilent, facts::TrunkUnquestioned, facts::TrunkFull, facts::TrunkDraining,
    facts::TargetViolation, facts::TargetMessageIgnored, facts::UpstreamLoginHindered, facts::UpstreamLoginAccepted,
    facts::HostKeysLearnt, facts::HostKeysNotLearnt, facts::TrunkChannelStep, facts::TrunkStep, facts::TrunkWishStep,  //
    facts::DaemonStarted, facts::Listening, facts::HostKeyReady, facts::ConfigReloaded, facts::ReloadFailed, facts::LogsReopened,
    facts::DrainBegun, facts::EndBegun, facts::DaemonEnded, facts::ConnectionKilled, facts::ChannelKilled, facts::UserKilled,
    facts::TrunksChanged, facts::PenaltiesLifted, facts::ScanAsked, facts::ReloadAsked, facts::DrainAsked>;

/// For std::visit: a fact that has neither an event nor a place among the unaudited doesn't compile.
struct Events {
  log::Records::Note& note;

  // before the login
  void operator()(const facts::ConnectionAccepted& fact) const;
  void operator()(const facts::AttemptRefused& fact) const;
  void operator()(const facts::LoginTurnedAway& fact) const;
  void operator()(const facts::Authenticated& fact) const;
  void operator()(const facts::LoginFailed& fact) const;
  void operator()(const facts::PenaltyBegun& fact) const;
  // clients
  void operator()(const facts::ChannelOpened& fact) const;
  void operator()(const facts::ChannelOpenRefused& fact) const;
  void operator()(const facts::ProgramStarted& fact) const;
  void operator()(const facts::ProgramRefused& fact) const;
  void operator()(const facts::ProgramFailed& fact) const;
  void operator()(const facts::ProgramEnded& fact) const;
  void operator()(const facts::RequestRefused& fact) const;
  void operator()(const facts::ForwardOpened& fact) const;
  void operator()(const facts::ForwardRefused& fact) const;
  void operator()(const facts::RemoteForwardListening& fact) const;
  void operator()(const facts::RemoteForwardRefused& fact) const;
  void operator()(const facts::RemoteForwardEnded& fact) const;
  void operator()(const facts::ChannelIdle& fact) const;
  void operator()(const facts::ChannelClosed& fact) const;
  void operator()(const facts::ClientViolation& fact) const;
  void operator()(const facts::ConnectionClosed& fact) const;
  // targets
  void operator()(const facts::TrunkConnecting& fact) const;
  void operator()(const facts::TrunkFailed& fact) const;
  void operator()(const facts::LoginsPaused& fact) const;
  void operator()(const facts::TrunkClosed& fact) const;
  void operator()(const facts::TargetOpenRefused& fact) const;
  void operator()(const facts::TargetRequestRefused& fact) const;

  void operator()(const Unaudited auto& /*fact*/) const {}
};

}  // namespace sallyport::journal

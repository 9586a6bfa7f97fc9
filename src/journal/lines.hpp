// The line of the log that each fact comes to.
#pragma once

#include <sallyport/facts.hpp>

#include "log/records.hpp"

namespace sallyport::journal {

/// Ids first. For std::visit: a fact without a line doesn't compile.
struct Lines {
  log::Records::Note& note;

  // before the login
  void operator()(const facts::ConnectionDropped& fact) const;
  void operator()(const facts::ProxyHeaderFailed& fact) const;
  void operator()(const facts::ProxyHeaderRead& fact) const;
  void operator()(const facts::HealthChecked& fact) const;
  void operator()(const facts::ConnectionAccepted& fact) const;
  void operator()(const facts::KeyFileFaulty& fact) const;
  void operator()(const facts::KeysUnavailable& fact) const;
  void operator()(const facts::IdentityUnavailable& fact) const;
  void operator()(const facts::MethodPassed& fact) const;
  void operator()(const facts::AttemptRefused& fact) const;
  void operator()(const facts::LoginTurnedAway& fact) const;
  void operator()(const facts::Authenticated& fact) const;
  void operator()(const facts::ConnectionNegotiated& fact) const;
  void operator()(const facts::LoginFailed& fact) const;
  void operator()(const facts::PenaltyBegun& fact) const;
  // clients
  void operator()(const facts::RouteFull& fact) const;
  void operator()(const facts::GrantLost& fact) const;
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
  void operator()(const facts::ClientMessageIgnored& fact) const;
  void operator()(const facts::ConnectionClosed& fact) const;
  void operator()(const facts::ClientChannelStep& fact) const;
  void operator()(const facts::SessionStep& fact) const;
  // targets
  void operator()(const facts::TrunkWaiting& fact) const;
  void operator()(const facts::TrunkConnecting& fact) const;
  void operator()(const facts::TrunkReady& fact) const;
  void operator()(const facts::TrunkFailed& fact) const;
  void operator()(const facts::LoginsPaused& fact) const;
  void operator()(const facts::TrunkSilent& fact) const;
  void operator()(const facts::TrunkUnquestioned& fact) const;
  void operator()(const facts::TrunkFull& fact) const;
  void operator()(const facts::TrunkDraining& fact) const;
  void operator()(const facts::TrunkClosed& fact) const;
  void operator()(const facts::TargetOpenRefused& fact) const;
  void operator()(const facts::TargetRequestRefused& fact) const;
  void operator()(const facts::TargetViolation& fact) const;
  void operator()(const facts::TargetMessageIgnored& fact) const;
  void operator()(const facts::UpstreamLoginHindered& fact) const;
  void operator()(const facts::UpstreamLoginAccepted& fact) const;
  void operator()(const facts::HostKeysLearnt& fact) const;
  void operator()(const facts::HostKeysNotLearnt& fact) const;
  void operator()(const facts::TrunkChannelStep& fact) const;
  void operator()(const facts::TrunkStep& fact) const;
  void operator()(const facts::TrunkWishStep& fact) const;
  // the daemon
  void operator()(const facts::DaemonStarted& fact) const;
  void operator()(const facts::Listening& fact) const;
  void operator()(const facts::HostKeyReady& fact) const;
  void operator()(const facts::ConfigReloaded& fact) const;
  void operator()(const facts::ReloadFailed& fact) const;
  void operator()(const facts::LogsReopened& fact) const;
  void operator()(const facts::DrainBegun& fact) const;
  void operator()(const facts::EndBegun& fact) const;
  void operator()(const facts::DaemonEnded& fact) const;
  void operator()(const facts::ConnectionKilled& fact) const;
  void operator()(const facts::ChannelKilled& fact) const;
  void operator()(const facts::UserKilled& fact) const;
  void operator()(const facts::TrunksChanged& fact) const;
  void operator()(const facts::PenaltiesLifted& fact) const;
  void operator()(const facts::ScanAsked& fact) const;
  void operator()(const facts::ReloadAsked& fact) const;
  void operator()(const facts::DrainAsked& fact) const;
};

}  // namespace sallyport::journal

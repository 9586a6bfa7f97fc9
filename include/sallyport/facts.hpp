// All that happens here and that somebody may want to know of: facts, unformatted.
#pragma once

#include <variant>

#include <sallyport/facts/clients.hpp>
#include <sallyport/facts/daemon.hpp>
#include <sallyport/facts/logins.hpp>
#include <sallyport/facts/trunks.hpp>

namespace sallyport {

/// One of them. Views and references are good for the call that they are given to, no longer. Strings may come from a peer and
/// hold anything, unless they are called our own text: whoever shows them escapes them. No fact holds a secret.
using Fact = std::variant<
    // before the login
    facts::ConnectionDropped, facts::ProxyHeaderFailed, facts::ProxyHeaderRead, facts::HealthChecked, facts::ConnectionAccepted,
    facts::KeyFileFaulty, facts::KeysUnavailable, facts::IdentityUnavailable, facts::MethodPassed, facts::AttemptRefused,
    facts::LoginTurnedAway, facts::Authenticated, facts::ConnectionNegotiated, facts::LoginFailed, facts::PenaltyBegun,
    // clients
    facts::RouteFull, facts::GrantLost, facts::ChannelOpened, facts::ChannelOpenRefused, facts::ProgramStarted,
    facts::ProgramRefused, facts::ProgramFailed, facts::ProgramEnded, facts::RequestRefused, facts::ForwardOpened,
    facts::ForwardRefused, facts::RemoteForwardListening, facts::RemoteForwardRefused, facts::RemoteForwardEnded,
    facts::ChannelIdle, facts::ChannelClosed, facts::ClientViolation, facts::ClientMessageIgnored, facts::ConnectionClosed,
    facts::ClientChannelStep, facts::SessionStep,
    // targets
    facts::TrunkWaiting, facts::TrunkConnecting, facts::TrunkReady, facts::TrunkFailed, facts::LoginsPaused, facts::TrunkSilent,
    facts::TrunkUnquestioned, facts::TrunkFull, facts::TrunkDraining, facts::TrunkClosed, facts::TargetOpenRefused,
    facts::TargetRequestRefused, facts::TargetViolation, facts::TargetMessageIgnored, facts::UpstreamLoginHindered,
    facts::UpstreamLoginAccepted, facts::HostKeysLearnt, facts::HostKeysNotLearnt, facts::TrunkChannelStep, facts::TrunkStep,
    facts::TrunkWishStep,
    // the daemon
    facts::DaemonStarted, facts::Listening, facts::HostKeyReady, facts::ConfigReloaded, facts::ReloadFailed, facts::LogsReopened,
    facts::DrainBegun, facts::EndBegun, facts::DaemonEnded, facts::ConnectionKilled, facts::ChannelKilled, facts::UserKilled,
    facts::TrunksChanged, facts::PenaltiesLifted, facts::ScanAsked, facts::ReloadAsked, facts::DrainAsked>;

}  // namespace sallyport

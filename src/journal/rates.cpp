#include "journal/rates.hpp"

#include <concepts>
#include <string_view>
#include <variant>

namespace sallyport::journal {
namespace {

using log::Records;

/// Facts that have something in common.
template <typename... Facts>
struct Group {
  template <typename Fact>
  static constexpr bool kHas = (std::same_as<Fact, Facts> || ...);
};

// ---- the table: each fact stands in one of these groups, or it doesn't compile

/// What a client causes that isn't logged in.
using OfSource = Group<facts::ConnectionDropped, facts::ProxyHeaderFailed, facts::ProxyHeaderRead, facts::ConnectionAccepted,
                       facts::KeyFileFaulty, facts::KeysUnavailable, facts::IdentityUnavailable, facts::MethodPassed,
                       facts::AttemptRefused, facts::LoginTurnedAway, facts::LoginFailed>;
/// What a client is refused, or does wrong.
using Refusals =
    Group<facts::RouteFull, facts::ChannelOpenRefused, facts::ProgramRefused, facts::ProgramFailed, facts::RequestRefused,
          facts::ForwardRefused, facts::RemoteForwardRefused, facts::ClientViolation, facts::ClientMessageIgnored>;
/// What goes wrong for a user and no connection in particular.
using RefusalsOfUser = Group<facts::TrunkFailed, facts::LoginsPaused, facts::UpstreamLoginHindered>;
/// What goes along with a user's doings.
using Details =
    Group<facts::ChannelOpened, facts::ProgramEnded, facts::RemoteForwardEnded, facts::ChannelIdle, facts::ChannelClosed,
          facts::TrunkWaiting, facts::TrunkConnecting, facts::TrunkReady, facts::TrunkSilent, facts::TrunkUnquestioned,
          facts::TrunkFull, facts::TrunkDraining, facts::TrunkClosed, facts::UpstreamLoginAccepted, facts::ClientChannelStep,
          facts::SessionStep, facts::TrunkChannelStep, facts::TrunkStep, facts::TrunkWishStep>;
/// What a target does on its own.
using OfTrunk = Group<facts::TargetOpenRefused, facts::TargetRequestRefused, facts::TargetViolation, facts::TargetMessageIgnored>;
/// What an audit trail is for: never left out, nor is what goes along with it.
using Acts = Group<facts::ProgramStarted, facts::ForwardOpened, facts::RemoteForwardListening>;
using Logins = Group<facts::Authenticated>;
/// Never left out: whoever causes it has logged in, has earned it, or is the administrator.
using Always =
    Group<facts::HealthChecked, facts::ConnectionNegotiated, facts::PenaltyBegun, facts::GrantLost, facts::ConnectionClosed,
          facts::HostKeysLearnt, facts::HostKeysNotLearnt, facts::DaemonStarted, facts::Listening, facts::HostKeyReady,
          facts::ConfigReloaded, facts::ReloadFailed, facts::LogsReopened, facts::DrainBegun, facts::EndBegun, facts::DaemonEnded,
          facts::ConnectionKilled, facts::ChannelKilled, facts::UserKilled, facts::TrunksChanged, facts::PenaltiesLifted,
          facts::ScanAsked, facts::ReloadAsked, facts::DrainAsked>;

template <typename Fact>
constexpr int kGroupsOf = OfSource::kHas<Fact> + Refusals::kHas<Fact> + RefusalsOfUser::kHas<Fact> + Details::kHas<Fact> +
                          OfTrunk::kHas<Fact> + Acts::kHas<Fact> + Logins::kHas<Fact> + Always::kHas<Fact>;

using Steps =
    Group<facts::ClientChannelStep, facts::SessionStep, facts::TrunkChannelStep, facts::TrunkStep, facts::TrunkWishStep>;

/// Whose rate it is that the fact uses up.
template <typename Fact>
std::string_view user_of(const Fact& fact) {
  if constexpr (requires { fact.trunk.user; }) {
    return fact.trunk.user;
  } else if constexpr (requires { fact.client.user; }) {
    return fact.client.user;
  } else {
    return fact.user;
  }
}

struct Admit {
  Records& records;

  template <typename Fact>
  Records::Note operator()(const Fact& fact) const {
    static_assert(kGroupsOf<Fact> == 1, "each fact has one rate");
    if constexpr (OfSource::kHas<Fact>) {
      return records.of_source(fact.client.block);
    } else if constexpr (Refusals::kHas<Fact>) {
      return records.refusal(fact.client.user, fact.client.id);
    } else if constexpr (RefusalsOfUser::kHas<Fact>) {
      return records.refusal(user_of(fact));
    } else if constexpr (Details::kHas<Fact>) {
      return records.detail(user_of(fact));
    } else if constexpr (OfTrunk::kHas<Fact>) {
      return records.of_trunk(fact.trunk.id, fact.trunk.user);
    } else if constexpr (Acts::kHas<Fact>) {
      records.note_act(fact.client.user);
      return records.always();
    } else if constexpr (Logins::kHas<Fact>) {
      records.note_login(fact.client.block);
      return records.always();
    } else {
      return records.always();
    }
  }
};

}  // namespace

log::Records::Note admit(log::Records& records, const Fact& fact) { return std::visit(Admit{records}, fact); }

bool is_step(const Fact& fact) {
  return std::visit([]<typename F>(const F&) { return Steps::kHas<F>; }, fact);
}

}  // namespace sallyport::journal

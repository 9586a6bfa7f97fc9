#include "journal/lines.hpp"
#include "journal/parts.hpp"
#include "log/escape.hpp"

namespace sallyport::journal {

using log::plain;

void Lines::operator()(const facts::TrunkWaiting& fact) const {
  note.info("trunk={} waiting for its turn to log in user={} target={}", fact.trunk.id, plain(fact.trunk.user),
            fact.trunk.target);
}

void Lines::operator()(const facts::TrunkConnecting& fact) const {
  note.info("trunk={} connecting user={} target={}", fact.trunk.id, plain(fact.trunk.user), fact.trunk.target);
}

void Lines::operator()(const facts::TrunkReady& fact) const {
  note.info("trunk={} ready ms={}", fact.trunk.id, milliseconds(fact.took));
}

void Lines::operator()(const facts::TrunkFailed& fact) const {
  note.warn("trunk={} failed reason=\"{}\"", fact.trunk.id, fact.why);
}

void Lines::operator()(const facts::LoginsPaused& fact) const {
  note.warn("trunk={} logins paused user={} target={} ms={}", fact.trunk.id, plain(fact.trunk.user), fact.trunk.target,
            milliseconds(fact.pause));
}

void Lines::operator()(const facts::TrunkSilent& fact) const {
  note.warn("trunk={} silent, new channels go elsewhere", fact.trunk.id);
}

void Lines::operator()(const facts::TrunkUnquestioned& fact) const {
  note.warn("trunk={} ended over a keepalive, the target gets none from now on", fact.trunk.id);
}

void Lines::operator()(const facts::TrunkFull& fact) const {
  note.info("trunk={} target refuses more sessions limit={}", fact.trunk.id, fact.sessions);
}

void Lines::operator()(const facts::TrunkDraining& fact) const {
  note.info("trunk={} draining reason=\"{}\"", fact.trunk.id, plain(fact.why));
}

void Lines::operator()(const facts::TrunkClosed& fact) const {
  note.info("trunk={} closed reason=\"{}\"", fact.trunk.id, fact.why.detail);
}

void Lines::operator()(const facts::TargetOpenRefused& fact) const {
  note.warn("trunk={} channel of the target's refused type={} reason=\"{}\"", fact.trunk.id, fact.type, plain(fact.why));
}

void Lines::operator()(const facts::TargetRequestRefused& fact) const {
  note.warn("trunk={} request of the target's refused request={} reason=\"{}\"", fact.trunk.id, fact.request, plain(fact.why));
}

void Lines::operator()(const facts::TargetViolation& fact) const {
  note.warn("trunk={} target broke the protocol reason=\"{}\"", fact.trunk.id, plain(fact.what));
}

void Lines::operator()(const facts::TargetMessageIgnored& fact) const {
  note.info("trunk={} message ignored reason=\"{}\" count={}", fact.trunk.id, plain(fact.what), fact.count);
}

void Lines::operator()(const facts::UpstreamLoginHindered& fact) const {
  note.warn("upstream login target={} problem=\"{}\"", fact.target, fact.problem);
}

void Lines::operator()(const facts::UpstreamLoginAccepted& fact) const {
  note.info("upstream login target={} login={} user={} credential=\"{}\"", fact.target, fact.login, fact.user, fact.credential);
}

void Lines::operator()(const facts::HostKeysLearnt& fact) const {
  note.info("host keys learnt target={} added={} removed={} file={}", fact.target, fact.added, fact.removed, fact.file);
}

void Lines::operator()(const facts::HostKeysNotLearnt& fact) const {
  note.warn("host keys not learnt target={} reason=\"{}\"", fact.target, fact.why);
}

void Lines::operator()(const facts::TrunkChannelStep& fact) const {
  note.trace("trunk={} number={} channel {} -> {}", fact.trunk.id, number(fact.number), fact.from, fact.to);
}

void Lines::operator()(const facts::TrunkStep& fact) const { note.trace("trunk={} {} -> {}", fact.trunk.id, fact.from, fact.to); }

void Lines::operator()(const facts::TrunkWishStep& fact) const {
  note.trace("conn={} wish for a trunk {} -> {} user={} target={}", fact.client ? log::to_string(*fact.client) : "none",
             fact.from, fact.to, plain(fact.user), fact.target);
}

}  // namespace sallyport::journal

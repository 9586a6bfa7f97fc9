#include "journal/lines.hpp"
#include "journal/parts.hpp"
#include "log/escape.hpp"

namespace sallyport::journal {

/// What is wrong with a configuration, several lines of it.
constexpr std::size_t kShownOfProblems = 4096;

void Lines::operator()(const facts::DaemonStarted& fact) const {
  note.info("started version={} pid={} config={}", fact.version, fact.pid, fact.config_file);
}

void Lines::operator()(const facts::Listening& fact) const { note.info("listening address={}", fact.address); }

void Lines::operator()(const facts::HostKeyReady& fact) const {
  note.info("host key {} type={} fingerprint={} file={}", fact.generated ? "generated" : "loaded", fact.type, fact.fingerprint,
            fact.file);
}

void Lines::operator()(const facts::ConfigReloaded& fact) const { note.info("configuration reloaded file={}", fact.file); }

void Lines::operator()(const facts::ReloadFailed& fact) const {
  note.error("reload failed, the old configuration stays reason=\"{}\"", log::escaped(fact.why, kShownOfProblems));
}

void Lines::operator()(const facts::LogsReopened&) const { note.info("log files reopened"); }

void Lines::operator()(const facts::DrainBegun& fact) const { note.info("draining timeout_ms={}", milliseconds(fact.timeout)); }

void Lines::operator()(const facts::EndBegun& fact) const { note.info("ending connections={}", fact.connections); }

void Lines::operator()(const facts::DaemonEnded&) const { note.info("ended"); }

void Lines::operator()(const facts::ConnectionKilled& fact) const {
  note.info("conn={} ended through the control socket uid={} pid={} reason=\"{}\"", fact.id, fact.by.uid, fact.by.pid,
            fact.reason);
}

void Lines::operator()(const facts::ChannelKilled& fact) const {
  note.info("chan={} ended through the control socket uid={} pid={} reason=\"{}\"", fact.id, fact.by.uid, fact.by.pid,
            fact.reason);
}

void Lines::operator()(const facts::UserKilled& fact) const {
  note.info("user={} connections ended through the control socket count={} uid={} pid={} reason=\"{}\"", fact.user, fact.count,
            fact.by.uid, fact.by.pid, fact.reason);
}

void Lines::operator()(const facts::TrunksChanged& fact) const {
  note.info("trunks {} through the control socket target={} user={} count={} uid={} pid={}", fact.done, fact.target, fact.user,
            fact.count, fact.by.uid, fact.by.pid);
}

void Lines::operator()(const facts::PenaltiesLifted& fact) const {
  note.info("penalties lifted through the control socket source={} count={} uid={} pid={}", fact.source, fact.count, fact.by.uid,
            fact.by.pid);
}

void Lines::operator()(const facts::ScanAsked& fact) const {
  note.info("scan of host keys through the control socket target={} uid={} pid={}", fact.target, fact.by.uid, fact.by.pid);
}

void Lines::operator()(const facts::ReloadAsked& fact) const {
  note.info("reload asked for through the control socket uid={} pid={}", fact.by.uid, fact.by.pid);
}

void Lines::operator()(const facts::DrainAsked& fact) const {
  note.info("drain asked for through the control socket uid={} pid={}", fact.by.uid, fact.by.pid);
}

}  // namespace sallyport::journal

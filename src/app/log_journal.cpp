#include "app/log_journal.hpp"

#include <string>

namespace sallyport::app {
namespace {

using log::plain;
using log::Records;
using mux::Admission;
using mux::ChannelIds;

std::string name_of(const std::optional<TrunkId>& trunk) { return trunk ? log::to_string(*trunk) : "local"; }

std::uint64_t milliseconds(Duration duration) { return static_cast<std::uint64_t>(duration.count()); }

/// An event about one channel, with the ids that join it to the others.
AuditEvent about(std::string_view name, const Admission& client, const ChannelIds& ids) {
  AuditEvent event(name);
  event.with("connection", ids.connection).with("channel", ids.channel);
  if (ids.trunk) event.with("trunk", *ids.trunk);
  event.with("user", client.user);
  return event;
}

/// An event about a remote forward.
AuditEvent about(const Admission& client, const mux::RemoteForwardFacts& forward, std::string_view action) {
  AuditEvent event("forward");
  event.with("connection", client.id).with("forward", forward.id);
  if (forward.trunk) event.with("trunk", *forward.trunk);
  return event.with("user", client.user)
      .with("action", action)
      .with("type", forward.request)
      .with("listen", forward.listen)
      .with("target", forward.target);
}

}  // namespace

std::string_view LogJournal::user_of(TrunkId trunk) const {
  const auto found = users_.find(trunk);
  return found == users_.end() ? std::string_view() : found->second;
}

void LogJournal::channel_opened(const Admission& client, ChannelId channel, std::string_view type) {
  Records::Note note = records_.detail(client.user);
  note.debug("conn={} chan={} channel opened type={}", client.id, channel, type);
  note.record(about("channel", client, {client.id, channel, {}}).with("type", type));
}

void LogJournal::channel_open_refused(const Admission& client, std::string_view type, std::string_view why) {
  Records::Note note = records_.refusal(client.user, client.id);
  note.info("conn={} channel refused type={} reason=\"{}\"", client.id, type, plain(why));
  note.record(
      AuditEvent("refuse").with("connection", client.id).with("user", client.user).with("type", type).with("reason", why));
}

void LogJournal::program_started(const Admission& client, const ChannelIds& ids, std::string_view request,
                                 std::string_view command, std::string_view target) {
  records_.log().info("conn={} chan={} trunk={} program started user={} target={} request={} command=\"{}\"", ids.connection,
                      ids.channel, name_of(ids.trunk), plain(client.user), target, request, command);
  records_.audit().record(
      about("exec", client, ids).with("target", target).with("request", request).with_long("command", command));
  records_.note_act(client.user);
}

void LogJournal::program_refused(const Admission& client, const ChannelIds& ids, std::string_view request,
                                 std::string_view command, std::string_view told, std::string_view why) {
  Records::Note note = records_.refusal(client.user, client.id);
  note.info("conn={} chan={} program refused user={} request={} command=\"{}\" told=\"{}\" reason=\"{}\"", ids.connection,
            ids.channel, plain(client.user), request, command, told, why);
  note.record(about("refuse", client, ids).with("request", request).with("command", command).with("reason", why));
}

void LogJournal::request_refused(const Admission& client, const std::optional<ChannelIds>& ids, std::string_view request,
                                 std::string_view why) {
  Records::Note note = records_.refusal(client.user, client.id);
  AuditEvent event("refuse");
  event.with("connection", client.id);
  if (ids) event.with("channel", ids->channel);
  note.record(event.with("user", client.user).with("request", request).with("reason", why));
  if (ids) {
    note.info("conn={} chan={} request refused user={} request={} reason=\"{}\"", client.id, ids->channel, plain(client.user),
              request, why);
  } else {
    note.info("conn={} request refused user={} request={} reason=\"{}\"", client.id, plain(client.user), request, why);
  }
}

void LogJournal::program_failed(const Admission& client, const ChannelIds& ids, std::string_view request,
                                std::string_view command, std::string_view why) {
  Records::Note note = records_.refusal(client.user, client.id);
  note.warn("conn={} chan={} program could not be started user={} request={} command=\"{}\" reason=\"{}\"", ids.connection,
            ids.channel, plain(client.user), request, command, why);
  note.record(about("refuse", client, ids).with("request", request).with("command", command).with("reason", why));
}

void LogJournal::program_ended(const Admission& client, const ChannelIds& ids, std::optional<std::uint32_t> status,
                               std::string_view signal) {
  Records::Note note = records_.detail(client.user);
  AuditEvent event = about("exit", client, ids);
  if (status) {
    note.debug("conn={} chan={} trunk={} program ended status={}", ids.connection, ids.channel, name_of(ids.trunk), *status);
    event.with("status", *status);
  } else {
    note.debug("conn={} chan={} trunk={} program ended signal={}", ids.connection, ids.channel, name_of(ids.trunk), signal);
    event.with("signal", signal);
  }
  note.record(event);
}

void LogJournal::forward_opened(const Admission& client, const ChannelIds& ids, std::string_view type,
                                std::string_view destination, std::string_view target) {
  records_.log().info("conn={} chan={} trunk={} forwarding user={} target={} type={} destination=\"{}\"", ids.connection,
                      ids.channel, name_of(ids.trunk), plain(client.user), target, type, destination);
  records_.audit().record(
      about("forward", client, ids).with("type", type).with("destination", destination).with("target", target));
  records_.note_act(client.user);
}

void LogJournal::forward_refused(const Admission& client, const ChannelIds& ids, std::string_view type,
                                 std::string_view destination, std::string_view why) {
  Records::Note note = records_.refusal(client.user, client.id);
  note.info("conn={} chan={} forwarding refused user={} type={} destination=\"{}\" reason=\"{}\"", ids.connection, ids.channel,
            plain(client.user), type, destination, why);
  note.record(about("refuse", client, ids).with("type", type).with("destination", destination).with("reason", why));
}

void LogJournal::remote_forward_listening(const Admission& client, const mux::RemoteForwardFacts& forward) {
  records_.log().info("conn={} forward={} trunk={} target listens user={} target={} listen=\"{}\"", client.id, forward.id,
                      name_of(forward.trunk), plain(client.user), forward.target, forward.listen);
  records_.audit().record(about(client, forward, "listen"));
  records_.note_act(client.user);
}

void LogJournal::remote_forward_refused(const Admission& client, std::string_view request, std::string_view listen,
                                        std::string_view why) {
  Records::Note note = records_.refusal(client.user, client.id);
  note.info("conn={} forward refused user={} request={} listen=\"{}\" reason=\"{}\"", client.id, plain(client.user), request,
            listen, why);
  note.record(AuditEvent("refuse")
                  .with("connection", client.id)
                  .with("user", client.user)
                  .with("request", request)
                  .with("listen", listen)
                  .with("reason", why));
}

void LogJournal::remote_forward_ended(const Admission& client, const mux::RemoteForwardFacts& forward, std::string_view why) {
  Records::Note note = records_.detail(client.user);
  note.info("conn={} forward={} trunk={} target no longer listens listen=\"{}\" reason=\"{}\"", client.id, forward.id,
            name_of(forward.trunk), forward.listen, why);
  note.record(about(client, forward, "end").with("reason", why));
}

void LogJournal::channel_idle(const Admission& client, const ChannelIds& ids, std::string_view kind, Duration timeout) {
  Records::Note note = records_.detail(client.user);
  note.info("conn={} chan={} trunk={} {} idle for {} ms: ending it", ids.connection, ids.channel, name_of(ids.trunk), kind,
            milliseconds(timeout));
  note.record(about("timeout", client, ids).with("kind", kind).with("milliseconds", milliseconds(timeout)));
}

void LogJournal::channel_closed(const Admission& client, const ChannelIds& ids, std::uint64_t bytes_from_client,
                                std::uint64_t bytes_to_client, Duration open_for) {
  Records::Note note = records_.detail(client.user);
  note.debug("conn={} chan={} trunk={} channel closed in={} out={} ms={}", ids.connection, ids.channel, name_of(ids.trunk),
             bytes_from_client, bytes_to_client, milliseconds(open_for));
  note.record(about("close", client, ids)
                  .with("bytes_in", bytes_from_client)
                  .with("bytes_out", bytes_to_client)
                  .with("milliseconds", milliseconds(open_for)));
}

void LogJournal::connection_violation(const Admission& client, std::string_view what) {
  Records::Note note = records_.refusal(client.user, client.id);
  note.warn("conn={} client broke the protocol user={} reason=\"{}\"", client.id, plain(client.user), plain(what));
  note.record(AuditEvent("refuse").with("connection", client.id).with("user", client.user).with("reason", what));
}

void LogJournal::message_ignored(const Admission& client, std::string_view what, std::uint64_t count) {
  Records::Note note = records_.refusal(client.user, client.id);
  note.info("conn={} message ignored user={} reason=\"{}\" count={}", client.id, plain(client.user), plain(what), count);
}

void LogJournal::connection_closed(const Admission& client, const Error& why, std::uint64_t bytes_from_client,
                                   std::uint64_t bytes_to_client, Duration open_for) {
  records_.log().info("conn={} connection closed user={} in={} out={} ms={} reason=\"{}\"", client.id, plain(client.user),
                      bytes_from_client, bytes_to_client, milliseconds(open_for), why.detail);
  records_.audit().record(AuditEvent("close")
                              .with("connection", client.id)
                              .with("user", client.user)
                              .with("reason", why.detail)
                              .with("bytes_in", bytes_from_client)
                              .with("bytes_out", bytes_to_client)
                              .with("milliseconds", milliseconds(open_for)));
}

void LogJournal::trunk_waiting(TrunkId trunk, std::string_view user, std::string_view target) {
  users_[trunk] = user;
  Records::Note note = records_.detail(user);
  note.info("trunk={} waiting for its turn to log in user={} target={}", trunk, plain(user), target);
}

void LogJournal::logins_paused(TrunkId trunk, std::string_view user, std::string_view target, Duration pause) {
  Records::Note note = records_.refusal(user);
  note.warn("trunk={} logins paused user={} target={} ms={}", trunk, plain(user), target, milliseconds(pause));
  note.record(AuditEvent("pause")
                  .with("trunk", trunk)
                  .with("user", user)
                  .with("target", target)
                  .with("milliseconds", milliseconds(pause)));
}

void LogJournal::trunk_silent(TrunkId trunk) {
  Records::Note note = records_.detail(user_of(trunk));
  note.warn("trunk={} silent, new channels go elsewhere", trunk);
}

void LogJournal::trunk_unquestioned(TrunkId trunk) {
  Records::Note note = records_.detail(user_of(trunk));
  note.warn("trunk={} ended over a keepalive, the target gets none from now on", trunk);
}

void LogJournal::trunk_connecting(TrunkId trunk, std::string_view user, std::string_view target) {
  users_[trunk] = user;
  Records::Note note = records_.detail(user);
  note.info("trunk={} connecting user={} target={}", trunk, plain(user), target);
  note.record(AuditEvent("trunk").with("trunk", trunk).with("user", user).with("target", target));
}

void LogJournal::trunk_ready(TrunkId trunk, Duration took) {
  Records::Note note = records_.detail(user_of(trunk));
  note.info("trunk={} ready ms={}", trunk, milliseconds(took));
}

void LogJournal::trunk_failed(TrunkId trunk, std::string_view detail) {
  Records::Note note = records_.refusal(user_of(trunk));
  note.warn("trunk={} failed reason=\"{}\"", trunk, detail);
  note.record(AuditEvent("close").with("trunk", trunk).with("reason", detail));
  users_.erase(trunk);
}

void LogJournal::trunk_full(TrunkId trunk, std::size_t sessions) {
  Records::Note note = records_.detail(user_of(trunk));
  note.info("trunk={} target refuses more sessions limit={}", trunk, sessions);
}

void LogJournal::trunk_draining(TrunkId trunk, std::string_view why) {
  Records::Note note = records_.detail(user_of(trunk));
  note.info("trunk={} draining reason=\"{}\"", trunk, plain(why));
}

void LogJournal::target_open_refused(TrunkId trunk, std::string_view type, std::string_view why) {
  Records::Note note = records_.of_trunk(trunk, user_of(trunk));
  note.warn("trunk={} channel of the target's refused type={} reason=\"{}\"", trunk, type, plain(why));
  note.record(AuditEvent("refuse").with("trunk", trunk).with("type", type).with("reason", why));
}

void LogJournal::target_request_refused(TrunkId trunk, std::string_view request, std::string_view why) {
  Records::Note note = records_.of_trunk(trunk, user_of(trunk));
  note.warn("trunk={} request of the target's refused request={} reason=\"{}\"", trunk, request, plain(why));
  note.record(AuditEvent("refuse").with("trunk", trunk).with("request", request).with("reason", why));
}

void LogJournal::trunk_violation(TrunkId trunk, std::string_view what) {
  Records::Note note = records_.of_trunk(trunk, user_of(trunk));
  note.warn("trunk={} target broke the protocol reason=\"{}\"", trunk, plain(what));
}

void LogJournal::target_message_ignored(TrunkId trunk, std::string_view what, std::uint64_t count) {
  Records::Note note = records_.of_trunk(trunk, user_of(trunk));
  note.info("trunk={} message ignored reason=\"{}\" count={}", trunk, plain(what), count);
}

void LogJournal::trunk_closed(TrunkId trunk, const Error& why) {
  Records::Note note = records_.detail(user_of(trunk));
  note.info("trunk={} closed reason=\"{}\"", trunk, why.detail);
  note.record(AuditEvent("close").with("trunk", trunk).with("reason", why.detail));
  users_.erase(trunk);
}

void LogJournal::client_channel_changed(const Admission& client, LocalChannel channel, std::string_view from,
                                        std::string_view to) {
  if (traces()) records_.detail(client.user).trace("conn={} number={} channel {} -> {}", client.id, number(channel), from, to);
}

void LogJournal::session_changed(const Admission& client, const ChannelIds& ids, std::string_view from, std::string_view to) {
  if (traces())
    records_.detail(client.user)
        .trace("conn={} chan={} trunk={} session {} -> {}", ids.connection, ids.channel, name_of(ids.trunk), from, to);
}

void LogJournal::trunk_channel_changed(TrunkId trunk, LocalChannel channel, std::string_view from, std::string_view to) {
  if (traces()) records_.detail(user_of(trunk)).trace("trunk={} number={} channel {} -> {}", trunk, number(channel), from, to);
}

void LogJournal::trunk_changed(TrunkId trunk, std::string_view from, std::string_view to) {
  if (traces()) records_.detail(user_of(trunk)).trace("trunk={} {} -> {}", trunk, from, to);
}

void LogJournal::trunk_wish_changed(std::string_view user, const std::optional<ConnectionId>& client, std::string_view target,
                                    std::string_view from, std::string_view to) {
  if (traces())
    records_.detail(user).trace("conn={} wish for a trunk {} -> {} user={} target={}", client ? log::to_string(*client) : "none",
                                from, to, plain(user), target);
}

}  // namespace sallyport::app

#include "journal/events.hpp"
#include "journal/parts.hpp"

namespace sallyport::journal {
namespace {

/// An event about one channel, with the ids that join it to the others.
AuditEvent about(std::string_view name, const facts::Client& client, const ChannelIds& ids) {
  AuditEvent event(name);
  event.with("connection", ids.connection).with("channel", ids.channel);
  if (ids.trunk) event.with("trunk", *ids.trunk);
  event.with("user", client.user);
  return event;
}

/// An event about a remote forward.
AuditEvent about(const facts::Client& client, const facts::RemoteForward& forward, std::string_view action) {
  AuditEvent event("forward");
  event.with("connection", client.id).with("forward", forward.id);
  if (forward.trunk) event.with("trunk", *forward.trunk);
  return event.with("user", client.user)
      .with("action", action)
      .with("type", forward.request)
      .with("listen", forward.listen)
      .with("target", forward.target);
}

/// A program that was refused, or could not be started.
template <typename Fact>
AuditEvent refused_program(const Fact& fact) {
  return about("refuse", fact.client, fact.ids)
      .with("request", fact.request)
      .with("command", fact.command)
      .with("reason", fact.why);
}

}  // namespace

void Events::operator()(const facts::ChannelOpened& fact) const {
  note.record(about("channel", fact.client, {fact.client.id, fact.channel, {}}).with("type", fact.type));
}

void Events::operator()(const facts::ChannelOpenRefused& fact) const {
  note.record(AuditEvent("refuse")
                  .with("connection", fact.client.id)
                  .with("user", fact.client.user)
                  .with("type", fact.type)
                  .with("reason", fact.why));
}

void Events::operator()(const facts::ProgramStarted& fact) const {
  note.record(about("exec", fact.client, fact.ids)
                  .with("target", fact.target)
                  .with("request", fact.request)
                  .with_long("command", fact.command));
}

void Events::operator()(const facts::ProgramRefused& fact) const { note.record(refused_program(fact)); }

void Events::operator()(const facts::ProgramFailed& fact) const { note.record(refused_program(fact)); }

void Events::operator()(const facts::ProgramEnded& fact) const {
  AuditEvent event = about("exit", fact.client, fact.ids);
  fact.status ? event.with("status", *fact.status) : event.with("signal", fact.signal);
  note.record(event);
}

void Events::operator()(const facts::RequestRefused& fact) const {
  AuditEvent event("refuse");
  event.with("connection", fact.client.id);
  if (fact.ids) event.with("channel", fact.ids->channel);
  note.record(event.with("user", fact.client.user).with("request", fact.request).with("reason", fact.why));
}

void Events::operator()(const facts::ForwardOpened& fact) const {
  note.record(about("forward", fact.client, fact.ids)
                  .with("type", fact.type)
                  .with("destination", fact.destination)
                  .with("target", fact.target));
}

void Events::operator()(const facts::ForwardRefused& fact) const {
  note.record(about("refuse", fact.client, fact.ids)
                  .with("type", fact.type)
                  .with("destination", fact.destination)
                  .with("reason", fact.why));
}

void Events::operator()(const facts::RemoteForwardListening& fact) const {
  note.record(about(fact.client, fact.forward, "listen"));
}

void Events::operator()(const facts::RemoteForwardRefused& fact) const {
  note.record(AuditEvent("refuse")
                  .with("connection", fact.client.id)
                  .with("user", fact.client.user)
                  .with("request", fact.request)
                  .with("listen", fact.listen)
                  .with("reason", fact.why));
}

void Events::operator()(const facts::RemoteForwardEnded& fact) const {
  note.record(about(fact.client, fact.forward, "end").with("reason", fact.why));
}

void Events::operator()(const facts::ChannelIdle& fact) const {
  note.record(about("timeout", fact.client, fact.ids).with("kind", fact.kind).with("milliseconds", milliseconds(fact.timeout)));
}

void Events::operator()(const facts::ChannelClosed& fact) const {
  note.record(about("close", fact.client, fact.ids)
                  .with("bytes_in", fact.bytes_from_client)
                  .with("bytes_out", fact.bytes_to_client)
                  .with("milliseconds", milliseconds(fact.open_for)));
}

void Events::operator()(const facts::ClientViolation& fact) const {
  note.record(AuditEvent("refuse").with("connection", fact.client.id).with("user", fact.client.user).with("reason", fact.what));
}

void Events::operator()(const facts::ConnectionClosed& fact) const {
  note.record(AuditEvent("close")
                  .with("connection", fact.client.id)
                  .with("user", fact.client.user)
                  .with("reason", fact.why.detail)
                  .with("bytes_in", fact.bytes_from_client)
                  .with("bytes_out", fact.bytes_to_client)
                  .with("milliseconds", milliseconds(fact.open_for)));
}

}  // namespace sallyport::journal

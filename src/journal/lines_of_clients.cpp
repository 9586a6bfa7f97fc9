#include "journal/lines.hpp"
#include "journal/parts.hpp"
#include "log/escape.hpp"

namespace sallyport::journal {

using log::plain;

void Lines::operator()(const facts::RouteFull& fact) const {
  note.warn("conn={} refused route={} reason=\"max_connections\"", fact.client.id, fact.route);
}

void Lines::operator()(const facts::GrantLost& fact) const {
  note.warn("conn={} ended after a reload user={} reason=\"{}\"", fact.client.id, fact.client.user, fact.why);
}

void Lines::operator()(const facts::ChannelOpened& fact) const {
  note.debug("conn={} chan={} channel opened type={}", fact.client.id, fact.channel, fact.type);
}

void Lines::operator()(const facts::ChannelOpenRefused& fact) const {
  note.info("conn={} channel refused type={} reason=\"{}\"", fact.client.id, fact.type, plain(fact.why));
}

void Lines::operator()(const facts::ProgramStarted& fact) const {
  note.info("conn={} chan={} trunk={} program started user={} target={} request={} command=\"{}\"", fact.ids.connection,
            fact.ids.channel, name_of(fact.ids.trunk), plain(fact.client.user), fact.target, fact.request, fact.command);
}

void Lines::operator()(const facts::ProgramRefused& fact) const {
  note.info("conn={} chan={} program refused user={} request={} command=\"{}\" told=\"{}\" reason=\"{}\"", fact.ids.connection,
            fact.ids.channel, plain(fact.client.user), fact.request, fact.command, fact.told, fact.why);
}

void Lines::operator()(const facts::ProgramFailed& fact) const {
  note.warn("conn={} chan={} program could not be started user={} request={} command=\"{}\" reason=\"{}\"", fact.ids.connection,
            fact.ids.channel, plain(fact.client.user), fact.request, fact.command, fact.why);
}

void Lines::operator()(const facts::ProgramEnded& fact) const {
  const auto& [connection, channel, trunk] = fact.ids;
  if (fact.status) {
    note.debug("conn={} chan={} trunk={} program ended status={}", connection, channel, name_of(trunk), *fact.status);
  } else {
    note.debug("conn={} chan={} trunk={} program ended signal={}", connection, channel, name_of(trunk), fact.signal);
  }
}

void Lines::operator()(const facts::RequestRefused& fact) const {
  if (fact.ids) {
    note.info("conn={} chan={} request refused user={} request={} reason=\"{}\"", fact.client.id, fact.ids->channel,
              plain(fact.client.user), fact.request, fact.why);
  } else {
    note.info("conn={} request refused user={} request={} reason=\"{}\"", fact.client.id, plain(fact.client.user), fact.request,
              fact.why);
  }
}

void Lines::operator()(const facts::ForwardOpened& fact) const {
  note.info("conn={} chan={} trunk={} forwarding user={} target={} type={} destination=\"{}\"", fact.ids.connection,
            fact.ids.channel, name_of(fact.ids.trunk), plain(fact.client.user), fact.target, fact.type, fact.destination);
}

void Lines::operator()(const facts::ForwardRefused& fact) const {
  note.info("conn={} chan={} forwarding refused user={} type={} destination=\"{}\" reason=\"{}\"", fact.ids.connection,
            fact.ids.channel, plain(fact.client.user), fact.type, fact.destination, fact.why);
}

void Lines::operator()(const facts::RemoteForwardListening& fact) const {
  note.info("conn={} forward={} trunk={} target listens user={} target={} listen=\"{}\"", fact.client.id, fact.forward.id,
            name_of(fact.forward.trunk), plain(fact.client.user), fact.forward.target, fact.forward.listen);
}

void Lines::operator()(const facts::RemoteForwardRefused& fact) const {
  note.info("conn={} forward refused user={} request={} listen=\"{}\" reason=\"{}\"", fact.client.id, plain(fact.client.user),
            fact.request, fact.listen, fact.why);
}

void Lines::operator()(const facts::RemoteForwardEnded& fact) const {
  note.info("conn={} forward={} trunk={} target no longer listens listen=\"{}\" reason=\"{}\"", fact.client.id, fact.forward.id,
            name_of(fact.forward.trunk), fact.forward.listen, fact.why);
}

void Lines::operator()(const facts::ChannelIdle& fact) const {
  note.info("conn={} chan={} trunk={} {} idle for {} ms: ending it", fact.ids.connection, fact.ids.channel,
            name_of(fact.ids.trunk), fact.kind, milliseconds(fact.timeout));
}

void Lines::operator()(const facts::ChannelClosed& fact) const {
  note.debug("conn={} chan={} trunk={} channel closed in={} out={} ms={}", fact.ids.connection, fact.ids.channel,
             name_of(fact.ids.trunk), fact.bytes_from_client, fact.bytes_to_client, milliseconds(fact.open_for));
}

void Lines::operator()(const facts::ClientViolation& fact) const {
  note.warn("conn={} client broke the protocol user={} reason=\"{}\"", fact.client.id, plain(fact.client.user), plain(fact.what));
}

void Lines::operator()(const facts::ClientMessageIgnored& fact) const {
  note.info("conn={} message ignored user={} reason=\"{}\" count={}", fact.client.id, plain(fact.client.user), plain(fact.what),
            fact.count);
}

void Lines::operator()(const facts::ConnectionClosed& fact) const {
  note.info("conn={} connection closed user={} in={} out={} ms={} reason=\"{}\"", fact.client.id, plain(fact.client.user),
            fact.bytes_from_client, fact.bytes_to_client, milliseconds(fact.open_for), fact.why.detail);
}

void Lines::operator()(const facts::ClientChannelStep& fact) const {
  note.trace("conn={} number={} channel {} -> {}", fact.client.id, number(fact.number), fact.from, fact.to);
}

void Lines::operator()(const facts::SessionStep& fact) const {
  note.trace("conn={} chan={} trunk={} session {} -> {}", fact.ids.connection, fact.ids.channel, name_of(fact.ids.trunk),
             fact.from, fact.to);
}

}  // namespace sallyport::journal

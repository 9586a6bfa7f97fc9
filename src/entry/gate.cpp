#include "entry/gate.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "auth/limits/source_block.hpp"
#include "net/sockets/address.hpp"

namespace sallyport::app {
namespace {

/// How long a load balancer may take for its header.
constexpr Duration kProxyHeaderTime = std::chrono::seconds(5);
constexpr std::string_view kPenalised = "the source has a penalty";

std::string text_of(const ListenAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool same_socket(const ListenAddress& a, const ListenAddress& b) { return a.host == b.host && a.port == b.port; }

mux::Endpoint endpoint_of(const net::SocketAddress& address) { return {address.host(), address.port()}; }

std::vector<config::Network> networks_of(const std::vector<std::string>& texts) {
  std::vector<config::Network> networks;
  for (const std::string& text : texts)
    if (const auto network = config::parse_network(text)) networks.push_back(*network);
  return networks;
}

bool is_in(const std::vector<config::Network>& networks, const std::string& address) {
  const auto ip = config::parse_ip(address);
  return ip && std::any_of(networks.begin(), networks.end(), [&ip](const config::Network& n) { return n.contains(*ip); });
}

}  // namespace

Gate::Gate(ssh::LoopIo& io, ssh::LoopIo& away, mux::Hub& hub, child::LocalLauncher& launcher, log::Records& records)
    : io_(io),
      away_(away),
      hub_(hub),
      records_(records),
      log_(records.log()),
      services_(io.loop(), io.clock(), launcher, records),
      recheck_(io.loop(), hub, records.log()) {}

Gate::~Gate() = default;

void Gate::set_context(LoginContext context) {
  context_ = std::move(context);
  if (context_.config == nullptr) return;
  services_.configure(context_.config->auth, context_.pam_helper);
  penalties_.configure(context_.config->penalties);
}

Result<> Gate::listen(const std::vector<ListenAddress>& addresses) {
  std::vector<Door> doors;
  for (const ListenAddress& wanted : addresses) {
    Door& door = doors.emplace_back(Door{wanted, nullptr, std::make_shared<ProxyNetworks>()});
    if (std::any_of(doors_.begin(), doors_.end(), [&wanted](const Door& old) { return same_socket(old.wanted, wanted); }))
      continue;
    auto listener = net::Listener::open(
        io_.loop(), text_of(wanted),
        {[this, proxies = door.proxies](net::Fd fd, const net::SocketAddress& peer) {
           on_connection(std::move(fd), peer, *proxies);
         },
         [this](const Error& why) { log_.error("accepting failed reason=\"{}\"", log::escaped(why.detail)); }});
    if (!listener) return fail(std::move(listener.error()));
    door.listener = std::move(*listener);
  }
  for (Door& door : doors) {
    if (door.listener != nullptr) {
      log_.info("listening address={}", door.listener->address().text());
    } else {
      const auto old = std::find_if(doors_.begin(), doors_.end(),
                                    [&door](const Door& candidate) { return same_socket(candidate.wanted, door.wanted); });
      door.listener = std::move(old->listener);
      door.proxies = old->proxies;
    }
    door.proxies->networks = networks_of(door.wanted.proxy_protocol_from);
  }
  doors_ = std::move(doors);
  return {};
}

void Gate::close(std::string_view reason) {
  closed_ = true;
  doors_.clear();
  greetings_.clear();
  for (const auto& [id, entering] : entering_) entering.login->disconnect(DisconnectReason::by_application, reason);
}

std::vector<std::string> Gate::addresses() const {
  std::vector<std::string> texts;
  for (const Door& door : doors_) texts.push_back(door.listener->address().text());
  return texts;
}

bool Gate::listens_at(const net::SocketAddress& to) const {
  return std::any_of(doors_.begin(), doors_.end(), [&to](const Door& door) { return to.arrives_at(door.listener->address()); });
}

bool Gate::drops_early() {
  const MaxStartups& limit = context_.config->limits.max_startups;
  const auto waiting = static_cast<std::uint32_t>(entering_.size() + greetings_.size());
  if (waiting < limit.start) return false;
  if (waiting >= limit.full) return true;
  // from `rate` per cent at `start` to all at `full`
  const std::uint32_t chance = limit.rate + (100 - limit.rate) * (waiting - limit.start) / (limit.full - limit.start);
  return std::uniform_int_distribution<std::uint32_t>(0, 99)(dice_) < chance;
}

std::string_view Gate::drops(const std::string& address, const std::string& block) {
  const Limits& limits = context_.config->limits;
  if (penalties_.keeps_out(block, address, io_.clock().now())) return kPenalised;
  if (limits.max_startups_per_source != 0 && startups_.count(block) >= limits.max_startups_per_source)
    return "max_startups_per_source";
  if (limits.max_connections_per_source != 0 && connections_.count(block) >= limits.max_connections_per_source)
    return "max_connections_per_source";
  if (drops_early()) return "max_startups";
  if (!records_.audit().healthy()) return "the audit trail can't be written";
  return {};
}

log::Records::Note Gate::note_of(const mux::Endpoint& source) {
  return records_.of_source(auth::source_block(source.address, context_.config->limits));
}

void Gate::drop(ConnectionId id, const mux::Endpoint& source, std::string_view why, const net::Fd& fd) {
  note_of(source).warn("conn={} dropped source={}:{} reason=\"{}\"", id, source.address, source.port, why);
  // In front of the identification, where clients show it. Whether it arrives is not our concern.
  const std::string_view told = why == kPenalised ? "Not allowed at this time\r\n" : "Exceeded MaxStartups\r\n";
  static_cast<void>(::send(fd.get(), told.data(), told.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

void Gate::on_connection(net::Fd fd, const net::SocketAddress& peer, const ProxyNetworks& proxies) {
  const ConnectionId id{++last_id_};
  if (is_in(proxies.networks, peer.host())) {
    if (drops_early()) return drop(id, endpoint_of(peer), "max_startups", fd);
    greetings_[id] = std::make_unique<net::ProxyGreeting>(
        io_.loop(), io_.clock(), std::move(fd), kProxyHeaderTime,
        [this, id, peer = endpoint_of(peer)](Result<net::ProxyHeader> header, net::Fd socket) {
          on_proxy_header(id, peer, std::move(header), std::move(socket));
        });
    return;
  }
  Login::Client client{id, endpoint_of(peer), {}, {}, {}};
  if (const auto address = net::SocketAddress::local_of(fd.get())) client.local = endpoint_of(*address);
  static_cast<void>(let_in(std::move(client), std::move(fd)));
}

void Gate::on_proxy_header(ConnectionId id, const mux::Endpoint& peer, Result<net::ProxyHeader> header, net::Fd fd) {
  if (auto greeting = greetings_.extract(id)) io_.loop().retire(std::move(greeting.mapped()));  // it is on the stack
  if (!header) {
    ++failed_;
    note_of(peer).warn("conn={} closed source={}:{} reason=\"{}\"", id, peer.address, peer.port,
                       log::escaped(header.error().detail));
    return;
  }
  if (!header->source) {  // a health check
    log_.debug("conn={} closed source={}:{} reason=\"the balancer speaks for itself\"", id, peer.address, peer.port);
    return;
  }
  const mux::Endpoint source{header->source->address, header->source->port};
  note_of(source).info("conn={} for source={}:{} through proxy={}:{}", id, source.address, source.port, peer.address, peer.port);
  Login::Client client{id, source, {}, {}, {}};
  if (header->destination) client.local = {header->destination->address, header->destination->port};
  static_cast<void>(let_in(std::move(client), std::move(fd)));
}

std::string_view Gate::let_in(Login::Client client, net::Fd fd) {
  const ConnectionId id = client.id;
  const std::string& address = client.source.address;
  const std::string block = auth::source_block(address, context_.config->limits);
  if (const std::string_view why = drops(address, block); !why.empty()) {
    drop(id, client.source, why, fd);
    return why;
  }
  Entering& entering = entering_[id];
  entering.block = client.block = block;
  entering.startup = startups_.take(block);
  entering.connection = connections_.take(block);
  entering.login = std::make_unique<Login>(io_, away_, context_, services_, std::move(client), std::move(fd), records_,
                                           static_cast<LoginEvents&>(*this));
  return {};
}

Result<> Gate::enter(const InnerClient& inner, net::Fd fd) {
  if (closed_) return fail(Errc::unavailable, "no more clients are let in");
  const std::string_view why =
      let_in(Login::Client{ConnectionId{++last_id_}, {inner.source, inner.source_port}, {}, inner, {}}, std::move(fd));
  if (!why.empty()) return fail(Errc::limit, std::string(why));
  return {};
}

void Gate::on_login(mux::Admission client, std::unique_ptr<Transport> transport) {
  const ConnectionId id = client.id;
  const auto entering = entering_.find(id);
  if (entering == entering_.end()) return note_stranger(id);
  client.held.push_back(entering->second.connection);
  if (client.decision) {
    const std::string& route = client.decision->route().name;
    const std::uint32_t most = client.decision->target.options.max_connections;
    if (most != 0 && on_route_.count(route) >= most) {
      records_.refusal(client.user, id).warn("conn={} refused route={} reason=\"max_connections\"", id, log::escaped(route));
      client.decision.reset();
      client.refusal = "too many connections use this route: max_connections";
    } else {
      client.held.push_back(on_route_.take(route));
    }
  }
  // A route's own keepalive settings hold for its clients too.
  const Options& options = client.decision ? client.decision->target.options : context_.config->defaults;
  hub_.admit(std::move(client), std::move(transport), {options.keepalive_interval, options.keepalive_count});
  // It began before the last reload, and has been granted what that may have taken away.
  if (context_.config->server.on_reload == OnReload::recheck && entering->second.login->config() != context_.config)
    recheck_.add(id);
  forget(id);
}

void Gate::on_login_failed(Login& login, auth::Offence offence) {
  const auto entry = entering_.find(login.id());
  if (entry == entering_.end()) return note_stranger(login.id());
  ++failed_;
  const Entering& entering = entry->second;
  const std::string& address = login.source_address();
  if (closed_) offence = auth::Offence::none;  // it was ended by us
  if (const auto penalty = penalties_.add(entering.block, address, offence, io_.clock().now())) {
    log_.warn("penalty begins source={} seconds={} reason=\"{}\"", penalty->source,
              std::chrono::duration_cast<std::chrono::seconds>(penalty->left).count(), auth::to_string(offence));
    records_.audit().record(AuditEvent("penalty").with("source", penalty->source).with("reason", auth::to_string(offence)));
  }
  forget(login.id());
}

void Gate::forget(ConnectionId id) {
  if (auto entry = entering_.extract(id)) io_.loop().retire(std::move(entry.mapped().login));
}

void Gate::note_stranger(ConnectionId id) { log_.error("conn={} told an end that had been told", id); }

std::size_t Gate::lift_penalties(const std::string& source) {
  return source.empty() ? penalties_.lift_all() : penalties_.lift(source);
}

Result<auth::SlotCounter::Slot> Gate::place_of(const std::string& user) {
  if (of_user_.count(user) >= context_.config->limits.max_connections_per_user)
    return fail(Errc::limit, "too many connections of this user: max_connections_per_user");
  return of_user_.take(user);
}

}  // namespace sallyport::app

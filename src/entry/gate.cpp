#include "entry/gate.hpp"

#include <sys/socket.h>

#include <chrono>
#include <utility>

#include "auth/limits/source_block.hpp"
#include "net/sockets/address.hpp"

namespace sallyport::entry {
namespace {

/// How long a load balancer may take for its header.
constexpr Duration kProxyHeaderTime = std::chrono::seconds(5);
constexpr std::string_view kPenalised = "the source has a penalty";

mux::TcpAddress address_of(const net::SocketAddress& address) { return {address.host(), address.port()}; }

}  // namespace

Gate::Gate(net::Loop& loop, Clock& clock, Identities& identities, Admitter& admitter, Journal& journal, log::Logger& log)
    : loop_(loop),
      services_{clock, identities, admitter, journal},
      journal_(journal),
      log_(log),
      doors_(loop, journal, log, [this](net::Fd fd, const net::SocketAddress& peer, bool behind_proxy) {
        on_knock(std::move(fd), peer, behind_proxy);
      }) {}

Gate::~Gate() = default;

void Gate::set_context(LoginContext context) {
  context_ = std::move(context);
  penalties_.configure(context_.config->penalties);
}

void Gate::close(std::string_view reason) {
  closed_ = true;
  doors_.close();
  greetings_.clear();
  for (const auto& [id, entering] : entering_) entering.login->disconnect(DisconnectReason::by_application, reason);
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
  if (penalties_.keeps_out(block, address, services_.clock.now())) return kPenalised;
  if (limits.max_startups_per_source != 0 && startups_.count(block) >= limits.max_startups_per_source)
    return "max_startups_per_source";
  if (limits.max_connections_per_source != 0 && connections_.count(block) >= limits.max_connections_per_source)
    return "max_connections_per_source";
  if (drops_early()) return "max_startups";
  if (!journal_.healthy()) return "the audit trail can't be written";
  return {};
}

std::string Gate::block_of(const mux::TcpAddress& source) const {
  return auth::source_block(source.address, context_.config->limits);
}

void Gate::drop(const facts::Stranger& client, std::string_view why, const net::Fd& fd) {
  journal_.tell(facts::ConnectionDropped{client, why});
  // In front of the identification, where clients show it. Whether it arrives is not our concern.
  const std::string_view told = why == kPenalised ? "Not allowed at this time\r\n" : "Exceeded MaxStartups\r\n";
  static_cast<void>(::send(fd.get(), told.data(), told.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

void Gate::on_knock(net::Fd fd, const net::SocketAddress& peer, bool behind_proxy) {
  const ConnectionId id{++last_id_};
  if (behind_proxy) {
    if (drops_early()) {
      const mux::TcpAddress source = address_of(peer);
      return drop({id, source.view(), block_of(source)}, "max_startups", fd);
    }
    greetings_[id] = std::make_unique<net::ProxyGreeting>(
        loop_, services_.clock, std::move(fd), kProxyHeaderTime,
        [this, id, peer = address_of(peer)](Result<net::ProxyHeader> header, net::Fd socket) {
          on_proxy_header(id, peer, std::move(header), std::move(socket));
        });
    return;
  }
  Login::Client client{id, address_of(peer), {}, {}, {}};
  if (const auto address = net::SocketAddress::local_of(fd.get())) client.local = address_of(*address);
  static_cast<void>(let_in(std::move(client), std::move(fd)));
}

void Gate::on_proxy_header(ConnectionId id, const mux::TcpAddress& peer, Result<net::ProxyHeader> header, net::Fd fd) {
  if (auto greeting = greetings_.extract(id)) loop_.retire(std::move(greeting.mapped()));  // it is on the stack
  if (!header) {
    ++failed_;
    return journal_.tell(facts::ProxyHeaderFailed{{id, peer.view(), block_of(peer)}, header.error().detail});
  }
  if (!header->source) return journal_.tell(facts::HealthChecked{id, peer.view()});
  const mux::TcpAddress source{header->source->address, header->source->port};
  journal_.tell(facts::ProxyHeaderRead{{id, source.view(), block_of(source)}, peer.view()});
  Login::Client client{id, source, {}, {}, {}};
  if (header->destination) client.local = {header->destination->address, header->destination->port};
  static_cast<void>(let_in(std::move(client), std::move(fd)));
}

std::string_view Gate::let_in(Login::Client client, net::Fd fd) {
  const ConnectionId id = client.id;
  const std::string& address = client.source.address;
  const std::string block = block_of(client.source);
  if (const std::string_view why = drops(address, block); !why.empty()) {
    drop({id, client.source.view(), block}, why, fd);
    return why;
  }
  client.block = block;
  client.place = connections_.take(block);
  Entering& entering = entering_[id];
  entering.block = block;
  entering.address = address;
  entering.startup = startups_.take(block);
  entering.login =
      std::make_unique<Login>(services_, context_, std::move(client), std::move(fd), static_cast<LoginEvents&>(*this));
  return {};
}

Result<> Gate::enter(const InnerClient& inner, net::Fd fd) {
  if (closed_) return fail(Errc::unavailable, "no more clients are let in");
  const std::string_view why =
      let_in(Login::Client{ConnectionId{++last_id_}, {inner.source, inner.source_port}, {}, inner, {}}, std::move(fd));
  if (!why.empty()) return fail(Errc::limit, std::string(why));
  return {};
}

void Gate::on_login_failed(Login& login, auth::Offence offence) {
  ++failed_;
  const auto entry = entering_.find(login.id());
  if (entry != entering_.end() && !closed_) add_penalty(entry->second, offence);  // else it was ended by us
  forget(login.id());
}

void Gate::add_penalty(const Entering& entering, auth::Offence offence) {
  const auto penalty = penalties_.add(entering.block, entering.address, offence, services_.clock.now());
  if (!penalty) return;
  journal_.tell(facts::PenaltyBegun{penalty->source, penalty->left, auth::to_string(offence)});
}

void Gate::forget(ConnectionId id) {
  auto entry = entering_.extract(id);
  // A login that isn't under way has told its end: our mistake, which does no more harm than a line in the log.
  if (entry.empty()) return log_.error("conn={} told an end that had been told", id);
  loop_.retire(std::move(entry.mapped().login));
}

std::size_t Gate::lift_penalties(const std::string& source) {
  return source.empty() ? penalties_.lift_all() : penalties_.lift(source);
}

}  // namespace sallyport::entry

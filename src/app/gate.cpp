#include "app/gate.hpp"

#include <algorithm>
#include <utility>

#include "net/address.hpp"

namespace sallyport::app {
namespace {

std::string text_of(const ListenAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

mux::Endpoint endpoint_of(const net::SocketAddress& address) { return {address.host(), address.port()}; }

}  // namespace

Gate::Gate(ssh::LoopIo& io, ssh::LoopIo& away, mux::Hub& hub, child::LocalLauncher& launcher, log::Logger& log,
           AuditTrail& audit)
    : io_(io), away_(away), hub_(hub), log_(log), audit_(audit), services_(io.loop(), io.clock(), launcher, log) {}

Gate::~Gate() = default;

void Gate::set_context(LoginContext context) {
  context_ = std::move(context);
  if (context_.config != nullptr) services_.configure(context_.config->auth, context_.pam_helper);
}

Result<> Gate::listen(const std::vector<ListenAddress>& addresses) {
  std::vector<Door> doors;
  for (const ListenAddress& wanted : addresses) {
    Door& door = doors.emplace_back(Door{wanted, nullptr});
    if (std::any_of(doors_.begin(), doors_.end(), [&wanted](const Door& old) { return old.wanted == wanted; })) continue;
    auto listener = net::Listener::open(
        io_.loop(), text_of(wanted),
        {[this](net::Fd fd, const net::SocketAddress& peer) { on_connection(std::move(fd), peer); },
         [this](const Error& why) { log_.error("accepting failed reason=\"{}\"", log::escaped(why.detail)); }});
    if (!listener) return fail(std::move(listener.error()));
    door.listener = std::move(*listener);
  }
  for (Door& door : doors) {
    if (door.listener != nullptr) {
      log_.info("listening address={}", door.listener->address().text());
      continue;
    }
    const auto old = std::find_if(doors_.begin(), doors_.end(),
                                  [&door](const Door& candidate) { return candidate.wanted == door.wanted; });
    door.listener = std::move(old->listener);
  }
  doors_ = std::move(doors);
  return {};
}

void Gate::close(std::string_view reason) {
  closed_ = true;
  doors_.clear();
  for (const auto& [id, login] : logins_) login->disconnect(DisconnectReason::by_application, reason);
}

std::vector<std::string> Gate::addresses() const {
  std::vector<std::string> texts;
  for (const Door& door : doors_) texts.push_back(door.listener->address().text());
  return texts;
}

bool Gate::drops_early() {
  const MaxStartups& limit = context_.config->limits.max_startups;
  const auto waiting = static_cast<std::uint32_t>(logins_.size());
  if (waiting < limit.start) return false;
  if (waiting >= limit.full) return true;
  // from `rate` per cent at `start` to all at `full`
  const std::uint32_t chance = limit.rate + (100 - limit.rate) * (waiting - limit.start) / (limit.full - limit.start);
  return std::uniform_int_distribution<std::uint32_t>(0, 99)(dice_) < chance;
}

std::string_view Gate::drops() {
  if (drops_early()) return "max_startups";
  if (!audit_.healthy()) return "the audit trail can't be written";
  return {};
}

void Gate::on_connection(net::Fd fd, const net::SocketAddress& peer) {
  const ConnectionId id{++last_id_};
  if (const std::string_view why = drops(); !why.empty()) {
    log_.warn("conn={} dropped source={} reason=\"{}\"", id, peer.text(), why);
    return;
  }
  mux::Endpoint local;
  if (const auto address = net::SocketAddress::local_of(fd.get())) local = endpoint_of(*address);
  logins_[id] = std::make_unique<Login>(io_, away_, context_, services_, Login::Client{id, endpoint_of(peer), std::move(local), {}},
                                        std::move(fd), log_, audit_, static_cast<LoginEvents&>(*this));
}

Result<> Gate::enter(const InnerClient& inner, net::Fd fd) {
  if (closed_) return fail(Errc::unavailable, "no more clients are let in");
  const ConnectionId id{++last_id_};
  const mux::Endpoint source{inner.source, inner.source_port};
  if (const std::string_view why = drops(); !why.empty()) {
    log_.warn("conn={} dropped source={}:{} outer={} reason=\"{}\"", id, source.address, source.port, inner.outer, why);
    return fail(Errc::limit, std::string(why));
  }
  logins_[id] = std::make_unique<Login>(io_, away_, context_, services_, Login::Client{id, source, {}, inner}, std::move(fd), log_, audit_,
                                        static_cast<LoginEvents&>(*this));
  return {};
}

void Gate::on_login(mux::Admission client, std::unique_ptr<Transport> transport) {
  const ConnectionId id = client.id;
  // A route's own keepalive settings hold for its clients too.
  const Options& options = client.decision ? client.decision->target.options : context_.config->defaults;
  hub_.admit(std::move(client), std::move(transport), {options.keepalive_interval, options.keepalive_count});
  const auto entry = logins_.find(id);
  io_.loop().retire(std::move(entry->second));
  logins_.erase(entry);
}

void Gate::on_login_failed(Login& login) {
  ++failed_;
  const auto entry = logins_.find(login.id());
  io_.loop().retire(std::move(entry->second));
  logins_.erase(entry);
}

std::string Gate::refuses_user(const std::string& user) const {
  if (hub_.connections_of(user) < context_.config->limits.max_connections_per_user) return {};
  return "too many connections of this user";
}

}  // namespace sallyport::app

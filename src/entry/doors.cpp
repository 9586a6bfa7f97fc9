#include "entry/doors.hpp"

#include <algorithm>
#include <utility>

#include "route/forwarding.hpp"

namespace sallyport::entry {
namespace {

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

Doors::Door* Doors::find(const ListenAddress& wanted) {
  const auto found = std::find_if(doors_.begin(), doors_.end(), [&wanted](const Door& door) {
    return door.wanted.host == wanted.host && door.wanted.port == wanted.port;
  });
  return found == doors_.end() ? nullptr : &*found;
}

Result<std::unique_ptr<net::Listener>> Doors::open(const Door& door) {
  return net::Listener::open(loop_, route::Destination::of_port(door.wanted.host, door.wanted.port).text(),
                             {[this, proxies = door.proxies](net::Fd fd, const net::SocketAddress& peer) {
                                on_knock_(std::move(fd), peer, is_in(*proxies, peer.host()));
                              },
                              [this](const Error& why) { log_.error("accepting failed reason=\"{}\"", why.detail); }});
}

Result<> Doors::listen(const std::vector<ListenAddress>& addresses) {
  std::vector<Door> doors;
  for (const ListenAddress& wanted : addresses) {
    Door& door = doors.emplace_back(Door{wanted, nullptr, std::make_shared<ProxyNetworks>()});
    if (find(wanted) != nullptr) continue;
    auto listener = open(door);
    if (!listener) return fail(std::move(listener.error()));
    door.listener = std::move(*listener);
  }
  for (Door& door : doors) {
    if (door.listener != nullptr) {
      journal_.tell(facts::Listening{door.listener->address().text()});
    } else {
      Door& old = *find(door.wanted);
      door.listener = std::move(old.listener);
      door.proxies = old.proxies;
    }
    *door.proxies = networks_of(door.wanted.proxy_protocol_from);
  }
  doors_ = std::move(doors);
  return {};
}

std::vector<std::string> Doors::addresses() const {
  std::vector<std::string> texts;
  for (const Door& door : doors_) texts.push_back(door.listener->address().text());
  return texts;
}

bool Doors::listens_at(const net::SocketAddress& to) const {
  return std::any_of(doors_.begin(), doors_.end(), [&to](const Door& door) { return to.arrives_at(door.listener->address()); });
}

}  // namespace sallyport::entry

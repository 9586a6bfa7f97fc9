#include "dial/stream_dialer.hpp"

#include <functional>
#include <utility>

#include "child/process/socket_connect.hpp"
#include "entry/gate.hpp"
#include "net/sockets/socket_stream.hpp"

namespace sallyport::dial {

using net::SocketStream;

namespace {

/// So many sockets are being connected at a time, half of them for one user; the others wait. It takes long only where a path
/// leads over a slow file server.
constexpr std::size_t kConnects = 4;

}  // namespace

StreamDialer::StreamDialer(net::Loop& loop) : loop_(loop), lingering_(loop), resolver_(loop), lane_(loop, kConnects) {}

std::unique_ptr<Stream> StreamDialer::connect(const StreamAddress& address, Duration limit, StreamEvents& events) {
  if (address.path.empty()) {
    // There the client would come from the bastion's own address, and could say who it is by a PROXY header where that is
    // believed.
    const auto permits = [this](const net::SocketAddress& to) { return !gate_->listens_at(to); };
    return std::make_unique<SocketStream>(resolver_, lingering_, address, limit, events, permits);
  }
  const auto connect = [this, &address, limit](std::function<void(Result<net::LocalSocket>)> done) {
    auto outcome = std::make_shared<Result<net::LocalSocket>>(fail(Errc::unavailable, "not connected"));
    return lane_.work([outcome, path = address.path, account = address.account, own = own_sockets_,
                       limit] { *outcome = child::connect_socket(path, account, own, limit); },
                      [outcome, done = std::move(done)] { done(std::move(*outcome)); }, address.user);
  };
  return std::make_unique<SocketStream>(loop_, lingering_, connect, events);
}

std::unique_ptr<Stream> StreamDialer::enter(const InnerClient& client, StreamEvents& events) {
  auto pair = net::connected_pair();
  if (!pair) return std::make_unique<SocketStream>(loop_, lingering_, std::move(pair.error()), events);
  if (auto entered = gate_->enter(client, std::move(pair->second)); !entered)
    return std::make_unique<SocketStream>(loop_, lingering_, std::move(entered.error()), events);
  return std::make_unique<SocketStream>(loop_, lingering_, std::move(pair->first), events);
}

}  // namespace sallyport::dial

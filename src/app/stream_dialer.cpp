#include "app/stream_dialer.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "app/gate.hpp"
#include "net/socket_stream.hpp"

namespace sallyport::app {

using net::SocketStream;

namespace {

/// Whether this very process listens at the other end. To its control socket it would be its own user, who may do
/// everything there; no pattern of forwardable sockets is meant to give that away.
bool is_own_socket(const net::Fd& fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  return getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid == ::getpid();
}

Result<net::Fd> connect_to_socket(const std::string& path) {
  auto fd = net::connect_to_path(path);
  if (fd && is_own_socket(*fd)) return fail(Errc::denied, "connect to " + path + ": it is the daemon's own");
  return fd;
}

}  // namespace

std::unique_ptr<Stream> StreamDialer::connect(const StreamAddress& address, Duration limit, StreamEvents& events) {
  if (address.path.empty())
    return std::make_unique<SocketStream>(loop_, lingering_, address.host, address.port, limit, events);
  auto fd = connect_to_socket(address.path);
  if (!fd) return std::make_unique<SocketStream>(loop_, lingering_, std::move(fd.error()), events);
  return std::make_unique<SocketStream>(loop_, lingering_, std::move(*fd), events);
}

std::unique_ptr<Stream> StreamDialer::enter(const InnerClient& client, StreamEvents& events) {
  auto pair = net::connected_pair();
  if (!pair) return std::make_unique<SocketStream>(loop_, lingering_, std::move(pair.error()), events);
  if (auto entered = gate_->enter(client, std::move(pair->second)); !entered)
    return std::make_unique<SocketStream>(loop_, lingering_, std::move(entered.error()), events);
  return std::make_unique<SocketStream>(loop_, lingering_, std::move(pair->first), events);
}

}  // namespace sallyport::app

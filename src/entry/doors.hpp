// The sockets that clients come in by.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sallyport/config.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/result.hpp>

#include "log/logger.hpp"
#include "match/match.hpp"
#include "net/loop/fd.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/address.hpp"
#include "net/sockets/listener.hpp"

namespace sallyport::entry {

class Doors {
 public:
  /// `behind_proxy`: the connection begins with a PROXY header. From the loop, never inside a call.
  using Knock = std::function<void(net::Fd fd, const net::SocketAddress& peer, bool behind_proxy)>;

  /// The references outlive it.
  Doors(net::Loop& loop, Journal& journal, log::Logger& log, Knock on_knock)
      : loop_(loop), journal_(journal), log_(log), on_knock_(std::move(on_knock)) {}

  /// Listens on exactly these addresses; sockets that are in both the old and the new list stay. All or nothing: on failure what
  /// was listening before goes on. Errc::config or Errc::io.
  Result<> listen(const std::vector<ListenAddress>& addresses);
  void close() { doors_.clear(); }

  /// Where it listens, with the real ports.
  std::vector<std::string> addresses() const;
  /// Whether a connection to that address would come in here.
  bool listens_at(const net::SocketAddress& to) const;

 private:
  /// Whose connections begin with a PROXY header. Shared with the listener, which outlives a reload.
  using ProxyNetworks = std::vector<config::Network>;
  struct Door {
    ListenAddress wanted;
    std::unique_ptr<net::Listener> listener;
    std::shared_ptr<ProxyNetworks> proxies;
  };
  /// The one that listens at that address; null when there is none.
  Door* find(const ListenAddress& wanted);
  Result<std::unique_ptr<net::Listener>> open(const Door& door);

  net::Loop& loop_;
  Journal& journal_;
  log::Logger& log_;
  Knock on_knock_;
  std::vector<Door> doors_;
};

}  // namespace sallyport::entry

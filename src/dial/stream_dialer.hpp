// Sockets of the bastion's own, as forwarded channels ask for them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/stream.hpp>

#include "net/loop/loop.hpp"
#include "net/loop/work_lane.hpp"
#include "net/sockets/lingering.hpp"
#include "net/sockets/resolver.hpp"

namespace sallyport::entry {
class Gate;
}

namespace sallyport::dial {

class StreamDialer final : public StreamConnector {
 public:
  /// `loop` outlives the dialer, and the dialer its streams.
  explicit StreamDialer(net::Loop& loop);
  /// Where inner clients come in; outlives the dialer's use.
  void set_gate(entry::Gate& gate) { gate_ = &gate; }
  /// Paths of sockets of the daemon's own, which are no destinations.
  void set_own_sockets(std::vector<std::string> paths) { own_sockets_ = std::move(paths); }

  [[nodiscard]] std::unique_ptr<Stream> connect(const StreamAddress& address, Duration limit, StreamEvents& events) override;
  [[nodiscard]] std::unique_ptr<Stream> enter(const InnerClient& client, StreamEvents& events) override;

 private:
  net::Loop& loop_;
  net::Lingering lingering_;
  net::Resolver resolver_;
  net::WorkLane lane_;
  std::vector<std::string> own_sockets_;
  entry::Gate* gate_ = nullptr;
};

}  // namespace sallyport::dial

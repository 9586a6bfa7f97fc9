#include "dial/upstream_dialer.hpp"

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "dial/host_key_learner.hpp"
#include "dial/proxy_command.hpp"
#include "dial/signer_command.hpp"
#include "net/sockets/socket_stream.hpp"
#include "route/resolved_target.hpp"
#include "ssh/upstream/credentials.hpp"

namespace sallyport::dial {

namespace {

/// What the kernel may hold between an inner connection and the channel that carries it: little, so that what is urgent
/// waits in our own queues, where it overtakes.
constexpr int kSocketBuffer = 64 * 1024;

/// Our end of a socket whose other end is joined with a channel of another connection.
class ChannelCarrier final : public ssh::Carrier {
 public:
  ChannelCarrier(Clock& clock, std::string via, Result<net::Fd> socket)
      : clock_(clock), via_(std::move(via)), socket_(std::move(socket)) {}

  void open(std::function<void(Result<net::Fd>)> done) override {
    later_ = clock_.after(Duration::zero(), [this, done = std::move(done)] {
      const auto call = done;  // it may destroy this carrier, and the timer with it
      call(std::move(socket_));
    });
  }
  std::string failure_told() const override { return "via " + via_ + ": the connection was closed at once"; }

 private:
  Clock& clock_;
  const std::string via_;
  Result<net::Fd> socket_;
  std::unique_ptr<Timer> later_;
};

void keep_short(const net::Fd& socket) {
  // On a failure the system's larger buffer stays, which costs latency alone.
  static_cast<void>(setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof kSocketBuffer));
}

}  // namespace

ssh::ClientOptions UpstreamDialer::options_for(const ResolvedTarget& target, const UpstreamClient& client) const {
  ssh::ClientOptions options;
  options.name = target.name;
  options.host = target.host;
  options.port = target.port;
  options.user = target.user;
  options.credentials = target.credentials;
  options.passphrase_file = target.passphrase_file;
  options.certificate = {ssh::certificate_identity(client), target.certificate_principals, target.certificate_validity};
  if (!target.signer.empty()) {
    options.make_signer = [this, target, user = client.user] {
      return std::make_unique<SignerCommand>(io_.loop(), launcher_, records_, target, user);
    };
  }
  options.client = client;
  options.on_warning = [this, target = target.name, who = client.user](std::string_view text) {
    journal_.tell(facts::UpstreamLoginHindered{who, target, text});
  };
  options.on_accepted = [this, target = target.name, user = target.user, who = client.user](std::string_view credential) {
    journal_.tell(facts::UpstreamLoginAccepted{who, target, user, credential});
  };
  options.known_hosts = {target.known_hosts};
  options.host_key_policy = target.options.host_key_policy;
  options.algorithms = target.algorithms;
  options.legacy_algorithms = target.legacy_algorithms;
  options.connect_timeout = target.options.connect_timeout;
  if (!identification_.empty()) options.identification = identification_;
  return options;
}

std::unique_ptr<UpstreamAttempt> UpstreamDialer::connect(const ResolvedTarget& target, const UpstreamClient& client,
                                                         UpstreamEvents& events) {
  return std::make_unique<ssh::ClientLogin>(io_, away_, options_for(target, client), events, carrier_for(target, client.user));
}

std::unique_ptr<ssh::Carrier> UpstreamDialer::carrier_for(const ResolvedTarget& target, const std::string& user) {
  if (target.proxy_command.empty()) return nullptr;
  return std::make_unique<ProxyCommand>(launcher_, records_, target, user);
}

std::unique_ptr<HostKeyLearner> UpstreamDialer::learn_host_keys(const ResolvedTarget& target, Bytes session_id) {
  if (!target.options.update_host_keys) return nullptr;
  return std::make_unique<KnownHostsLearner>(io_.loop(), journal_, target, std::move(session_id));
}

std::unique_ptr<UpstreamAttempt> UpstreamDialer::look(const ResolvedTarget& target, std::function<void(ByteView)> shown,
                                                      UpstreamEvents& events) {
  ssh::ClientOptions options = options_for(target, {});
  options.on_host_key = std::move(shown);
  return std::make_unique<ssh::ClientLogin>(io_, away_, std::move(options), events, carrier_for(target, {}));
}

CarriedAttempt UpstreamDialer::connect_over(const ResolvedTarget& target, const UpstreamClient& client, UpstreamEvents& events,
                                            StreamEvents& carrier_events) {
  const auto attempt = [&](Result<net::Fd> socket) {
    auto carrier = std::make_unique<ChannelCarrier>(io_.clock(), target.via->name, std::move(socket));
    return std::make_unique<ssh::ClientLogin>(io_, away_, options_for(target, client), events, std::move(carrier));
  };
  auto pair = net::connected_pair();
  if (!pair) {
    const Error why = pair.error();
    return {attempt(fail(why)), std::make_unique<net::SocketStream>(io_.loop(), lingering_, why, carrier_events)};
  }
  keep_short(pair->first);
  keep_short(pair->second);
  return {attempt(std::move(pair->first)),
          std::make_unique<net::SocketStream>(io_.loop(), lingering_, std::move(pair->second), carrier_events)};
}

}  // namespace sallyport::dial

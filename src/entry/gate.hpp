// Where clients come in: listening sockets, the limits on who may knock and how often, and the logins themselves.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/config.hpp>
#include <sallyport/stream.hpp>

#include "auth/limits/penalty_box.hpp"
#include "auth/limits/slot_counter.hpp"
#include "entry/auth_services.hpp"
#include "entry/login.hpp"
#include "entry/recheck.hpp"
#include "mux/downstream/hub.hpp"
#include "net/sockets/listener.hpp"
#include "net/sockets/proxy_greeting.hpp"
#include "ssh/transport/loop_io.hpp"

namespace sallyport::app {

class Gate final : private LoginEvents {
 public:
  /// The references outlive the gate. The cryptography of logins is done on the loop of `away`.
  Gate(ssh::LoopIo& io, ssh::LoopIo& away, mux::Hub& hub, child::LocalLauncher& launcher, log::Records& records);
  ~Gate() override;

  /// Puts a context in force for connections that come from now on.
  void set_context(LoginContext context);
  /// Listens on exactly these addresses; sockets that are in both the old and the new list stay. All or nothing: on
  /// failure what was listening before goes on.
  Result<> listen(const std::vector<ListenAddress>& addresses);
  /// Lets in a client that comes through a channel of another one's, over one half of a socket pair, within the same
  /// limits. Errc::limit or Errc::unavailable.
  Result<> enter(const InnerClient& inner, net::Fd fd);
  /// Ends, in time, the connections to which the context in force wouldn't grant what they have.
  void recheck() { recheck_.begin(context_.config); }
  /// Accepts nothing more, and gives up the logins under way.
  void close(std::string_view reason);

  /// Where it listens, with the real ports.
  std::vector<std::string> addresses() const;
  /// Whether a connection to that address would come in here.
  bool listens_at(const net::SocketAddress& to) const;
  std::uint64_t accepted() const { return last_id_; }
  std::uint64_t failed_logins() const { return failed_; }

  /// Sources that are kept out, or soon will be.
  std::vector<auth::PenaltyBox::Entry> penalties() const { return penalties_.entries(io_.clock().now()); }
  /// Forgets the penalty of `source`, as penalties() names it; of every source when it is empty. How many there were.
  std::size_t lift_penalties(const std::string& source);

 private:
  /// Whose connections begin with a PROXY header. Shared with the listener, which outlives a reload.
  struct ProxyNetworks {
    std::vector<config::Network> networks;
  };
  struct Door {
    ListenAddress wanted;
    std::unique_ptr<net::Listener> listener;
    std::shared_ptr<ProxyNetworks> proxies;
  };
  /// A client between accept and login, with the places that it takes up.
  struct Entering {
    std::string block;  ///< its source
    auth::SlotCounter::Slot startup;
    auth::SlotCounter::Slot connection;
    std::unique_ptr<Login> login;
  };

  void on_connection(net::Fd fd, const net::SocketAddress& peer, const ProxyNetworks& proxies);
  void on_proxy_header(ConnectionId id, const mux::Endpoint& peer, Result<net::ProxyHeader> header, net::Fd fd);
  /// Why the client isn't let in, if it isn't; else its login has begun.
  std::string_view let_in(Login::Client client, net::Fd fd);
  /// Why one more connection of a source is dropped before a word is said; empty when it isn't.
  std::string_view drops(const std::string& address, const std::string& block);
  /// As sshd's MaxStartups: whether one more unauthenticated connection is dropped.
  bool drops_early();
  /// Says it in the log, and to the client as sshd does.
  void drop(ConnectionId id, const mux::Endpoint& source, std::string_view why, const net::Fd& fd);
  /// For an event before the login, which a stranger can cause.
  log::Records::Note note_of(const mux::Endpoint& source);
  void forget(ConnectionId id);
  /// A login that isn't under way has told its end: our mistake, which does no more harm than a line in the log.
  void note_stranger(ConnectionId id);
  void on_login(mux::Admission client, std::unique_ptr<Transport> transport) override;
  void on_login_failed(Login& login, auth::Offence offence) override;
  Result<auth::SlotCounter::Slot> place_of(const std::string& user) override;

  ssh::LoopIo& io_;
  ssh::LoopIo& away_;
  mux::Hub& hub_;
  log::Records& records_;
  log::Logger& log_;
  LoginContext context_;
  AuthServices services_;  // before the logins, which refer to it
  Recheck recheck_;
  std::vector<Door> doors_;
  std::map<ConnectionId, std::unique_ptr<net::ProxyGreeting>> greetings_;
  std::map<ConnectionId, Entering> entering_;
  auth::SlotCounter startups_;     // by source
  auth::SlotCounter connections_;  // by source
  auth::SlotCounter of_user_;      // connections
  auth::SlotCounter on_route_;     // connections, by the route's name
  auth::PenaltyBox penalties_;
  std::uint64_t last_id_ = 0;
  std::uint64_t failed_ = 0;
  bool closed_ = false;
  std::minstd_rand dice_{std::random_device{}()};
};

}  // namespace sallyport::app

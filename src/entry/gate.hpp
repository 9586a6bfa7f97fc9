// Where clients come in: the limits on who may knock and how often, and the logins themselves.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>
#include <sallyport/identity.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/stream.hpp>

#include "auth/limits/penalty_box.hpp"
#include "auth/limits/slot_counter.hpp"
#include "entry/admitter.hpp"
#include "entry/doors.hpp"
#include "entry/login.hpp"
#include "log/logger.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/proxy_greeting.hpp"

namespace sallyport::entry {

class Gate final : private LoginEvents {
 public:
  /// The references outlive the gate.
  Gate(net::Loop& loop, Clock& clock, Identities& identities, Admitter& admitter, Journal& journal, log::Logger& log);
  ~Gate() override;

  /// Puts a context in force for connections that come from now on.
  void set_context(LoginContext context);
  /// Doors::listen().
  Result<> listen(const std::vector<ListenAddress>& addresses) { return doors_.listen(addresses); }
  /// Lets in a client that comes through a channel of another one's, over one half of a socket pair, within the same
  /// limits. Errc::limit or Errc::unavailable.
  Result<> enter(const InnerClient& inner, net::Fd fd);
  /// Accepts nothing more, and gives up the logins under way.
  void close(std::string_view reason);

  /// Where it listens, with the real ports.
  std::vector<std::string> addresses() const { return doors_.addresses(); }
  /// Whether a connection to that address would come in here.
  bool listens_at(const net::SocketAddress& to) const { return doors_.listens_at(to); }
  std::uint64_t accepted() const { return last_id_; }
  std::uint64_t failed_logins() const { return failed_; }

  /// Sources that are kept out, or soon will be.
  std::vector<auth::PenaltyBox::Entry> penalties() const { return penalties_.entries(services_.clock.now()); }
  /// Forgets the penalty of `source`, as penalties() names it; of every source when it is empty. How many there were.
  std::size_t lift_penalties(const std::string& source);

 private:
  /// A client between accept and login.
  struct Entering {
    std::string block;    ///< its source
    std::string address;  ///< … within that block
    auth::SlotCounter::Slot startup;
    std::unique_ptr<Login> login;
  };

  void on_knock(net::Fd fd, const net::SocketAddress& peer, bool behind_proxy);
  void on_proxy_header(ConnectionId id, const mux::TcpAddress& peer, Result<net::ProxyHeader> header, net::Fd fd);
  /// Why the client isn't let in, if it isn't; else its login has begun.
  std::string_view let_in(Login::Client client, net::Fd fd);
  /// Why one more connection of a source is dropped before a word is said; empty when it isn't.
  std::string_view drops(const std::string& address, const std::string& block);
  /// As sshd's MaxStartups: whether one more unauthenticated connection is dropped.
  bool drops_early();
  /// Tells it, and the client as sshd does.
  void drop(const facts::Stranger& client, std::string_view why, const net::Fd& fd);
  /// The block of addresses that a source counts for.
  std::string block_of(const mux::TcpAddress& source) const;
  void forget(ConnectionId id);
  void on_login(Login& login) override { forget(login.id()); }
  void on_login_failed(Login& login, auth::Offence offence) override;
  void add_penalty(const Entering& entering, auth::Offence offence);

  net::Loop& loop_;
  const LoginServices services_;
  Journal& journal_;
  log::Logger& log_;
  LoginContext context_;
  Doors doors_;
  std::map<ConnectionId, std::unique_ptr<net::ProxyGreeting>> greetings_;
  std::map<ConnectionId, Entering> entering_;
  auth::SlotCounter startups_;     // by source
  auth::SlotCounter connections_;  // by source
  auth::PenaltyBox penalties_;
  std::uint64_t last_id_ = 0;
  std::uint64_t failed_ = 0;
  bool closed_ = false;
  std::minstd_rand dice_{std::random_device{}()};
};

}  // namespace sallyport::entry

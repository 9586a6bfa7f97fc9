// One client from accept to login: who is it?
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>
#include <sallyport/host_key_holder.hpp>
#include <sallyport/identity.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/stream.hpp>
#include <sallyport/told_once.hpp>
#include <sallyport/userauth.hpp>

#include "auth/factors/method_chains.hpp"
#include "auth/limits/penalty_box.hpp"
#include "auth/limits/slot_counter.hpp"
#include "entry/admitter.hpp"
#include "entry/login_refusals.hpp"
#include "mux/admission/admission.hpp"
#include "net/loop/fd.hpp"

namespace sallyport::entry {

class Login;

/// Receives the end of a login, exactly one of the two; the login may be retired in either.
class LoginEvents {
 public:
  virtual ~LoginEvents() = default;
  /// The client has been handed to the Admitter.
  virtual void on_login(Login& login) = 0;
  virtual void on_login_failed(Login& login, auth::Offence offence) = 0;
};

/// Begins the server's side on a connected stream socket.
using ServeUserauth = std::function<std::unique_ptr<UserauthServer>(net::Fd fd, UserauthEvents& events)>;

/// What logins work by; a reload makes another for the logins after it.
struct LoginContext {
  std::shared_ptr<const Config> config;
  ServeUserauth serve;
  std::shared_ptr<HostKeyHolder> host_keys;  ///< those that `serve` shows
};

/// What all logins work with.
struct LoginServices {
  Clock& clock;
  Identities& identities;
  Admitter& admitter;
  Journal& journal;
};

/// Takes a client through the methods of auth.methods. What a key is good for is decided here; every other method is an attempt
/// of the IdentityCheck's.
class Login final : private UserauthEvents, private IdentityEvents {
 public:
  /// Who has connected.
  struct Client {
    ConnectionId id{};
    mux::TcpAddress source;
    mux::TcpAddress local;  ///< ours; empty when it came through a channel
    std::optional<InnerClient> inner;
    std::string block;                        ///< the source's block of addresses
    auth::SlotCounter::Slot place = nullptr;  ///< among those of the source; goes along with the client
  };
  /// What the services refer to, and `owner`, outlives the login.
  Login(const LoginServices& services, LoginContext context, Client client, net::Fd fd, LoginEvents& owner);

  ConnectionId id() const { return client_.id; }
  void disconnect(DisconnectReason reason, std::string_view text) { server_->disconnect(reason, text); }

 private:
  /// What has become of the attempt at a method other than "publickey".
  enum class Attempt : std::uint8_t {
    none,
    begun,
    answered,      // something has been given to it
    new_password,  // … that was right, and has to be changed
  };
  /// What the look-up said about a key or a certificate, for the time of this login.
  struct KnownKey {
    Bytes blob;
    KeyVerdict verdict;
  };

  // UserauthEvents
  void on_userauth(const UserauthRequest& request) override;
  void on_info_response(std::vector<SecretString> answers) override;
  void on_logged_in(std::unique_ptr<Transport> transport) override;
  void on_failed(const Error& why) override;

  // IdentityEvents
  void on_key(KeyVerdict verdict) override;
  void on_questions(InfoRequest questions) override { server_->ask(questions); }
  void on_password_change(std::string prompt) override;
  void on_text(std::string text) override { server_->show(text); }
  void on_outcome(AttemptOutcome outcome) override;
  void on_session(Result<MachineSession> session) override;

  /// About the key of request_, of which known_key_ speaks.
  void decide();
  /// At the method of request_.
  void begin_attempt();
  /// The attempt under way is over without an outcome.
  void give_up_attempt();
  /// The client wants to change the password of the attempt, which has been asked for.
  void change_password(const UserauthRequest& request);
  /// The method of request_ has been passed: is that enough?
  void passed();
  void admit();
  void reject(std::string_view why);
  /// Rejects when auth.failure_delay has gone by since the client's last word, however long it took to find out.
  void reject_later(std::string_view why);
  /// The request is refused, whatever the client is told of it.
  void note_refused(std::string_view why);
  /// For facts; views.
  facts::Stranger stranger() const { return {client_.id, client_.source.view(), block_}; }
  facts::Attempt attempt_of_request() const;
  /// Of the key that the client has come with; null without one.
  const CertificateIdentity* certificate_of_request() const;
  /// Nothing more may happen of itself.
  void end();

  const LoginServices services_;
  const LoginContext context_;
  ToldOnce<LoginEvents> events_;
  const std::string block_;  // the source's, of addresses
  LoginRefusals refusals_;
  mux::Admission client_;
  std::string default_target_;  // for a login name without one
  UserauthRequest request_;     // the last one
  TimePoint heard_;             // when the client last said something
  std::optional<KnownKey> known_key_;
  auth::MethodChains chains_;
  Attempt attempt_ = Attempt::none;
  bool second_factor_ = false;    // a one-time code was right
  std::unique_ptr<Timer> delay_;  // before a refusal
  std::unique_ptr<IdentityCheck> identity_;
  std::unique_ptr<UserauthServer> server_;
};

}  // namespace sallyport::entry

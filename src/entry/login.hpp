// One client from accept to login: who is it, and where may it go?
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sallyport/config.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/stream.hpp>
#include <sallyport/told_once.hpp>

#include "auth/factors/method_chains.hpp"
#include "auth/limits/penalty_box.hpp"
#include "auth/limits/slot_counter.hpp"
#include "auth/lookup/key_check.hpp"
#include "entry/auth_attempt.hpp"
#include "entry/auth_services.hpp"
#include "log/records.hpp"
#include "mux/admission/admission.hpp"
#include "net/loop/fd.hpp"
#include "net/loop/loop.hpp"
#include "route/login_name.hpp"
#include "route/router.hpp"
#include "ssh/downstream/server_login.hpp"

namespace sallyport::app {

class Login;
class PamSession;

/// Receives the outcome of a login, exactly one of the two; the login may be retired in either.
class LoginEvents {
 public:
  virtual ~LoginEvents() = default;
  virtual void on_login(mux::Admission client, std::unique_ptr<Transport> transport) = 0;
  virtual void on_login_failed(Login& login, auth::Offence offence) = 0;
  /// A place among the user's connections, given back with the last copy. Errc::limit when there is none left; its detail may
  /// be told to the client.
  virtual Result<auth::SlotCounter::Slot> place_of(const std::string& user) = 0;
};

/// What logins work with; a reload makes another for the logins after it.
struct LoginContext {
  std::shared_ptr<const Config> config;
  std::shared_ptr<const ssh::ServerContext> server;
  std::string pam_helper;                    ///< its program's path; empty without auth.pam_service
  std::shared_ptr<HostKeyHolder> host_keys;  ///< those of `server`
};

/// Takes a client through the methods of auth.methods. What a key is good for is decided here; every other method is an
/// AuthAttempt.
class Login final : private ssh::UserauthEvents, private AuthAttemptEvents {
 public:
  /// Who has connected.
  struct Client {
    ConnectionId id{};
    mux::Endpoint source;
    mux::Endpoint local;  ///< ours; empty when it came through a channel
    std::optional<InnerClient> inner;
    std::string block;  ///< the source's block of addresses
  };
  /// The references outlive the login. Its cryptography is done on the loop of `away`.
  Login(ssh::LoopIo& io, ssh::LoopIo& away, LoginContext context, AuthServices& services, Client client, net::Fd fd,
        log::Records& records, LoginEvents& owner);
  ~Login() override;

  ConnectionId id() const { return client_.id; }
  const std::string& source_address() const { return client_.source.address; }
  /// What it logs in by, which a reload doesn't change.
  const std::shared_ptr<const Config>& config() const { return context_.config; }
  void disconnect(DisconnectReason reason, std::string_view text) { connection_.disconnect(reason, text); }

 private:
  /// What the look-up said about a key or a certificate, for the time of this login.
  struct KnownKey {
    Bytes blob;
    KeyVerdict verdict;
  };

  // ssh::UserauthEvents
  void on_userauth(const UserauthRequest& request) override;
  void on_info_response(std::vector<SecretString> answers) override;
  void on_logged_in(std::unique_ptr<Transport> transport) override;
  void on_failed(const Error& why) override;

  // AuthAttemptEvents
  void on_questions(const InfoRequest& questions) override { connection_.ask(questions); }
  void on_password_change(std::string_view prompt) override { connection_.ask_new_password(prompt); }
  void on_text(std::string_view text) override { connection_.show(text); }
  void on_outcome(AuthOutcome outcome) override;

  void look_up_key();
  void decide();
  /// Begins an attempt of the method of request_, which isn't "publickey".
  void start_attempt();
  std::unique_ptr<AuthAttempt> make_attempt();
  /// The attempt under way is over without an outcome.
  void give_up_attempt();
  /// The method of request_ has been passed: is that enough?
  void passed();
  void admit();
  /// PAM's account and session, of every login when there is a pam_service.
  void open_pam_session();
  void let_in();
  void change_password(const UserauthRequest& request);
  pam::Start pam_start() const;
  void reject(std::string_view why);
  /// Rejects when auth.failure_delay has gone by since the client's last word, however long it took to find out.
  void reject_later(std::string_view why);
  /// For an event before the login, which a stranger can cause.
  log::Records::Note note() { return records_.of_source(block_); }
  void record_failure(std::string_view why);
  void record_refusal(log::Records::Note& note, std::string_view method, std::string_view why);
  void record_pass();
  /// Of the key that the client has come with; null without one.
  const CertificateIdentity* certificate_of_request() const;
  auth::Offence offence_of(const Error& why) const;
  /// Nothing more may happen of itself.
  void end();

  ssh::LoopIo& io_;
  LoginContext context_;
  AuthServices& services_;
  log::Records& records_;
  const std::string block_;
  ToldOnce<LoginEvents> events_;
  LoginEvents& owner_;  // for what it is asked, before the end
  mux::Admission client_;
  std::string default_target_;  // for a login name without one
  UserauthRequest request_;
  std::uint32_t failures_ = 0;  // attempts that were refused
  std::optional<KnownKey> known_key_;
  std::unique_ptr<net::Work> look_up_;
  /// Tells a look-up under way that its login has gone: a program must not hold up a thread, or the daemon's end.
  std::shared_ptr<std::atomic<bool>> given_up_ = std::make_shared<std::atomic<bool>>(false);
  auth::MethodChains chains_;
  std::unique_ptr<AuthAttempt> attempt_;
  std::unique_ptr<PamHelper> pam_;  // has authenticated the user, and can open the session
  std::unique_ptr<PamSession> opening_;
  bool answered_ = false;         // something has been given to attempt_
  TimePoint heard_;               // when the client last said something
  std::unique_ptr<Timer> delay_;  // before a refusal
  bool second_factor_ = false;    // a one-time code was right
  bool only_offers_ = true;       // all that has been refused
  bool turned_away_ = false;      // the user is who it claims to be, and may not come in all the same
  ssh::ServerLogin connection_;
};

}  // namespace sallyport::app

#include "ssh/upstream/client_login.hpp"

#include <functional>
#include <string_view>
#include <utility>

#include "net/sockets/socket_stream.hpp"
#include "ssh/transport/away.hpp"
#include "ssh/upstream/client_connection.hpp"

namespace sallyport::ssh {

class ClientLogin::Shared final : public Away<ClientConnection, UpstreamEvents>, private UpstreamEvents {
 public:
  Shared(ClientLogin& login, LoopIo& home, LoopIo& away, UpstreamEvents& events, std::unique_ptr<Carrier> carrier)
      : Away(home, away, events), login_(login), carrier_(std::move(carrier)) {}

  // At home

  void start(ClientOptions options) {
    options.on_warning = at_home(std::move(options.on_warning));
    options.on_accepted = at_home(std::move(options.on_accepted));
    options.on_host_key = at_home(std::move(options.on_host_key));
    if (options.make_signer) {
      make_signer_ = std::move(options.make_signer);
      options.make_signer = [weak = weak_self()] { return std::make_unique<DistantSigner>(weak); };
    }
    std::unique_ptr<Carrier> distant;
    if (carrier_ != nullptr) distant = std::make_unique<DistantCarrier>(weak_self(), carrier_->failure_told());
    begin([this, options = std::move(options), distant = std::move(distant)]() mutable {
      return std::make_unique<ClientConnection>(away_, std::move(options), static_cast<UpstreamEvents&>(*this),
                                                std::move(distant));
    });
  }
  /// To the wish for an agent that was heard last.
  template <typename... Params, typename... Args>
  void answer_wish(void (ClientConnection::*function)(Params...), Args&&... arguments) {
    answer(wishes_, function, std::forward<Args>(arguments)...);
  }
  /// To the question that was heard last.
  template <typename... Params, typename... Args>
  void answer_question(void (ClientConnection::*function)(Params...), Args&&... arguments) {
    answer(questions_, function, std::forward<Args>(arguments)...);
  }
  void leave() {
    carrier_.reset();
    signer_.reset();
    Away::leave();
  }

 private:
  /// Stands away for the carrier at home.
  class DistantCarrier final : public Carrier {
   public:
    DistantCarrier(std::weak_ptr<Shared> owner, std::string told) : owner_(std::move(owner)), told_(std::move(told)) {}
    ~DistantCarrier() override {
      if (const auto owner = owner_.lock()) owner->opened_ = nullptr;
    }
    void open(std::function<void(Result<net::Fd>)> done) override {
      if (const auto owner = owner_.lock()) owner->open_carrier(std::move(done));
    }
    std::string failure_told() const override { return told_; }

   private:
    std::weak_ptr<Shared> owner_;
    std::string told_;
  };

  /// And for the program that makes certificates.
  class DistantSigner final : public CertificateSigner {
   public:
    explicit DistantSigner(std::weak_ptr<Shared> owner) : owner_(std::move(owner)) {}
    ~DistantSigner() override {
      if (const auto owner = owner_.lock()) owner->drop_signer();
    }
    void sign(std::string public_key, CertificateRequest request, std::function<void(Result<std::string>)> done) override {
      if (const auto owner = owner_.lock()) owner->sign(std::move(public_key), std::move(request), std::move(done));
    }

   private:
    std::weak_ptr<Shared> owner_;
  };

  /// For what is this one's own.
  std::weak_ptr<Shared> weak_self() { return std::static_pointer_cast<Shared>(shared_from_this()); }

  // Away

  void sign(std::string public_key, CertificateRequest request, std::function<void(Result<std::string>)> done) {
    signed_ = std::move(done);
    post(home_, [this, number = signatures_.ask(), public_key = std::move(public_key), request = std::move(request)] {
      if (events_.is_over()) return;
      signer_ = make_signer_();
      signer_->sign(public_key, request, [weak = weak_self(), number](Result<std::string> certificate) {
        if (const auto alive = weak.lock()) alive->certified(number, std::move(certificate));
      });
    });
  }

  void certified(Numbering::Number number, Result<std::string> certificate) {  // at home
    post(away_, [this, number, certificate = std::move(certificate)] {
      if (!signatures_.is_answered_by(number)) return;
      if (const auto done = std::exchange(signed_, nullptr)) done(certificate);
    });
  }

  void drop_signer() {
    signed_ = nullptr;
    post(home_, [this] { home_.loop().retire(std::move(signer_)); });
  }

  void open_carrier(std::function<void(Result<net::Fd>)> done) {
    opened_ = std::move(done);
    post(home_, [this] {
      if (carrier_ == nullptr) return;
      carrier_->open([weak = weak_self()](Result<net::Fd> socket) {
        if (const auto alive = weak.lock()) alive->carried(std::move(socket));
      });
    });
  }

  void carried(Result<net::Fd> socket) {  // at home
    post(away_, [this, socket = std::move(socket)]() mutable {
      if (const auto opened = std::exchange(opened_, nullptr)) opened(std::move(socket));
    });
  }

  // UpstreamEvents, away

  void on_agent_wanted(UpstreamAnswers&) override {
    post(home_, [this, number = wishes_.ask()] {
      wishes_.hear(number);
      events_.tell(&UpstreamEvents::on_agent_wanted, login_);
    });
  }
  void on_question(UpstreamAnswers&, const UpstreamQuestion& question) override {
    post(home_, [this, number = questions_.ask(), question] {
      questions_.hear(number);
      events_.tell(&UpstreamEvents::on_question, login_, question);
    });
  }
  void on_connected(std::unique_ptr<Transport> transport) override {
    bring_home(std::move(transport), [this](Result<std::unique_ptr<SshTransport>> connection) {
      if (!connection) {
        const Error& why = connection.error();
        return events_.end(&UpstreamEvents::on_connect_failed,
                           UpstreamFailure{why.code, "the connection to the target was lost during the login", why.detail});
      }
      if (carrier_ != nullptr) (*connection)->keep(std::move(carrier_));
      events_.end(&UpstreamEvents::on_connected, std::unique_ptr<Transport>(std::move(*connection)));
    });
  }
  void on_connect_failed(const UpstreamFailure& why) override {
    end();
    post(home_, [this, why] { events_.end(&UpstreamEvents::on_connect_failed, why); });
  }

  void fail(const Error& why) override {
    on_connect_failed({why.code, "the login at the target failed by a mistake of the bastion's", why.detail});
  }

  ClientLogin& login_;                                               // home's; there as long as events_ isn't over
  std::unique_ptr<Carrier> carrier_;                                 // home's
  std::function<std::unique_ptr<CertificateSigner>()> make_signer_;  // home's, and so is what it makes
  std::unique_ptr<CertificateSigner> signer_;
  std::function<void(Result<std::string>)> signed_;  // away's: waits for the certificate
  std::function<void(Result<net::Fd>)> opened_;      // away's: waits for the carrier's socket
  Numbering wishes_;                                 // for an agent
  Numbering questions_;
  Numbering signatures_;  // answered by certified()
};

ClientLogin::ClientLogin(LoopIo& home, LoopIo& away, ClientOptions options, UpstreamEvents& events,
                         std::unique_ptr<Carrier> carrier)
    : home_(home), shared_(std::make_shared<Shared>(*this, home, away, events, std::move(carrier))) {
  shared_->start(std::move(options));
}

ClientLogin::~ClientLogin() { shared_->leave(); }

std::unique_ptr<Stream> ClientLogin::lend_agent(StreamEvents& events) {
  auto pair = net::connected_pair();
  if (!pair) {
    refuse_agent(pair.error().detail);
    return nullptr;
  }
  shared_->answer_wish(&ClientConnection::give_agent, std::move(pair->first));
  return std::make_unique<net::SocketStream>(home_.loop(), home_.lingering(), std::move(pair->second), events);
}
void ClientLogin::refuse_agent(std::string why) { shared_->answer_wish(&ClientConnection::refuse_agent, std::move(why)); }
void ClientLogin::answer(std::vector<SecretString> answers) {
  shared_->answer_question(&ClientConnection::answer, std::move(answers));
}
void ClientLogin::refuse_answer(std::string told) { shared_->answer_question(&ClientConnection::refuse_answer, std::move(told)); }

}  // namespace sallyport::ssh

#include "ssh/upstream/client_login.hpp"

#include <functional>
#include <string>
#include <utility>

#include <sallyport/told_once.hpp>

#include "net/sockets/socket_stream.hpp"
#include "ssh/transport/numbering.hpp"
#include "ssh/transport/ssh_transport.hpp"

namespace sallyport::ssh {

/// What the two threads have in common. It lives as long as a call is on its way.
class ClientLogin::Away final : public UpstreamEvents, public std::enable_shared_from_this<Away> {
 public:
  Away(ClientLogin& login, LoopIo& home, LoopIo& away, UpstreamEvents& events, std::unique_ptr<Carrier> carrier)
      : home_(home), away_(away), login_(login), events_(events), carrier_(std::move(carrier)) {}

  // At home

  void start(ClientOptions options) {
    if (options.on_warning) {
      options.on_warning = [self = weak_from_this(), warn = options.on_warning, &home = home_](std::string_view text) {
        home.loop().post([self, warn, text = std::string(text)] {
          if (const auto alive = self.lock(); alive && !alive->events_.is_over()) warn(text);
        });
      };
    }
    if (options.on_accepted) {
      options.on_accepted = [self = weak_from_this(), accepted = options.on_accepted, &home = home_](std::string_view text) {
        home.loop().post([self, accepted, text = std::string(text)] {
          if (const auto alive = self.lock(); alive && !alive->events_.is_over()) accepted(text);
        });
      };
    }
    if (options.on_host_key) {
      options.on_host_key = [self = weak_from_this(), shown = options.on_host_key, &home = home_](ByteView key) {
        home.loop().post([self, shown, key = Bytes(key.begin(), key.end())] {
          if (const auto alive = self.lock(); alive && !alive->events_.is_over()) shown(key);
        });
      };
    }
    if (options.make_signer) {
      make_signer_ = options.make_signer;
      options.make_signer = [self = weak_from_this()] { return std::make_unique<DistantSigner>(self); };
    }
    std::string told = carrier_ ? carrier_->failure_told() : std::string();
    away_.loop().post(
        [self = shared_from_this(), options = std::move(options), told = std::move(told), carried = carrier_ != nullptr] {
          self->guarded(self->away_, [&] {
            auto carrier = carried ? std::make_unique<Distant>(self, told) : nullptr;
            self->connection_ =
                std::make_unique<ClientConnection>(self->away_, options, static_cast<UpstreamEvents&>(*self), std::move(carrier));
          });
        });
  }
  /// To the wish for an agent, or the question, that was heard last.
  void answer_wish(std::function<void(ClientConnection&)> call) { answer(&Away::wishes_, std::move(call)); }
  void answer_question(std::function<void(ClientConnection&)> call) { answer(&Away::questions_, std::move(call)); }
  void leave() {
    carrier_.reset();
    signer_.reset();
    if (events_.is_over()) return;  // nothing is left there
    events_.drop();
    away_.loop().post([self = shared_from_this()] {
      self->opened_ = nullptr;
      self->signed_ = nullptr;
      self->connection_.reset();
    });
  }

 private:
  /// Stands away for the carrier at home.
  class Distant final : public Carrier {
   public:
    Distant(std::weak_ptr<Away> owner, std::string told) : owner_(std::move(owner)), told_(std::move(told)) {}
    ~Distant() override {
      if (const auto owner = owner_.lock()) owner->opened_ = nullptr;
    }
    void open(std::function<void(Result<net::Fd>)> done) override {
      if (const auto owner = owner_.lock()) owner->open_carrier(std::move(done));
    }
    std::string failure_told() const override { return told_; }

   private:
    std::weak_ptr<Away> owner_;
    std::string told_;
  };

  /// And for the program that makes certificates.
  class DistantSigner final : public CertificateSigner {
   public:
    explicit DistantSigner(std::weak_ptr<Away> owner) : owner_(std::move(owner)) {}
    ~DistantSigner() override {
      if (const auto owner = owner_.lock()) owner->drop_signer();
    }
    void sign(std::string public_key, CertificateRequest request, std::function<void(Result<std::string>)> done) override {
      if (const auto owner = owner_.lock()) owner->sign(std::move(public_key), std::move(request), std::move(done));
    }

   private:
    std::weak_ptr<Away> owner_;
  };

  void answer(Numbering Away::*asked, std::function<void(ClientConnection&)> call) {
    away_.loop().post([self = shared_from_this(), asked, number = (this->*asked).answer(), call = std::move(call)] {
      if (!self->connection_ || !((*self).*asked).is_answered_by(number)) return;
      self->guarded(self->away_, [&] { call(*self->connection_); });
    });
  }

  // Away

  void sign(std::string public_key, CertificateRequest request, std::function<void(Result<std::string>)> done) {
    signed_ = std::move(done);
    home_.loop().post([self = shared_from_this(), number = signatures_.ask(), public_key = std::move(public_key),
                       request = std::move(request)] {
      if (self->events_.is_over()) return;
      self->guarded(self->home_, [&] {
        self->signer_ = self->make_signer_();
        // Weakly: the signer is ours.
        self->signer_->sign(public_key, request, [weak = std::weak_ptr<Away>(self), number](Result<std::string> certificate) {
          if (const auto alive = weak.lock()) alive->certified(number, std::move(certificate));
        });
      });
    });
  }

  void certified(Numbering::Number number, Result<std::string> certificate) {  // at home
    away_.loop().post([self = shared_from_this(), number, certificate = std::move(certificate)] {
      if (!self->signatures_.is_answered_by(number)) return;
      if (const auto done = std::exchange(self->signed_, nullptr)) self->guarded(self->away_, [&] { done(certificate); });
    });
  }

  void drop_signer() {
    signed_ = nullptr;
    home_.loop().post([self = shared_from_this()] { self->home_.loop().retire(std::move(self->signer_)); });
  }

  void open_carrier(std::function<void(Result<net::Fd>)> done) {
    opened_ = std::move(done);
    home_.loop().post([self = shared_from_this()] {
      if (!self->carrier_) return;
      // Weakly: the carrier is ours.
      self->guarded(self->home_, [&] {
        self->carrier_->open([weak = std::weak_ptr<Away>(self)](Result<net::Fd> socket) {
          if (const auto alive = weak.lock()) alive->carried(std::move(socket));
        });
      });
    });
  }

  void carried(Result<net::Fd> socket) {  // at home
    auto moved = std::make_shared<Result<net::Fd>>(std::move(socket));
    away_.loop().post([self = shared_from_this(), moved = std::move(moved)] {
      if (const auto opened = std::exchange(self->opened_, nullptr))
        self->guarded(self->away_, [&] { opened(std::move(*moved)); });
    });
  }

  void on_connected(std::unique_ptr<Transport> transport) override {
    auto parts = std::make_shared<Result<SshTransport::Parts>>(static_cast<SshTransport&>(*transport).take_apart());
    away_.loop().retire(std::move(transport));
    end();
    home_.loop().post([self = shared_from_this(), parts = std::move(parts)] {
      if (self->events_.is_over()) return;
      auto connection = *parts ? SshTransport::adopt(self->home_, std::move(**parts)) : fail(parts->error());
      if (!connection) {
        const Error& why = connection.error();
        return self->events_.end(&UpstreamEvents::on_connect_failed,
                                 UpstreamFailure{why.code, "the connection to the target was lost during the login", why.detail});
      }
      if (self->carrier_) (*connection)->keep(std::move(self->carrier_));
      self->events_.end(&UpstreamEvents::on_connected, std::unique_ptr<Transport>(std::move(*connection)));
    });
  }

  void on_connect_failed(const UpstreamFailure& why) override {
    end();
    home_.loop().post([self = shared_from_this(), why] { self->events_.end(&UpstreamEvents::on_connect_failed, why); });
  }

  /// The connection is on the stack. It goes before its end is told: there is nothing left that could tell another one.
  void end() { away_.loop().retire(std::move(connection_)); }

  void on_agent_wanted(UpstreamAnswers&) override {
    home_.loop().post([self = shared_from_this(), number = wishes_.ask()] {
      self->wishes_.hear(number);
      self->guarded(self->home_, [&] { self->events_.tell(&UpstreamEvents::on_agent_wanted, self->login_); });
    });
  }
  void on_question(UpstreamAnswers&, const UpstreamQuestion& question) override {
    home_.loop().post([self = shared_from_this(), number = questions_.ask(), question] {
      self->questions_.hear(number);
      self->guarded(self->home_, [&] { self->events_.tell(&UpstreamEvents::on_question, self->login_, question); });
    });
  }

  /// What throws ends the login.
  template <typename Act>
  void guarded(LoopIo& where, Act act) {
    const auto why = net::guarded(where.loop().uv(), act);
    if (!why) return;
    away_.loop().post([self = shared_from_this(), why = *why] {
      self->on_connect_failed({why.code, "the login at the target failed by a mistake of the bastion's", why.detail});
    });
  }

  LoopIo& home_;
  LoopIo& away_;
  ClientLogin& login_;                                               // home's; there as long as events_ isn't over
  ToldOnce<UpstreamEvents> events_;                                  // home's
  std::unique_ptr<Carrier> carrier_;                                 // home's
  std::function<std::unique_ptr<CertificateSigner>()> make_signer_;  // home's, and so is what it makes
  std::unique_ptr<CertificateSigner> signer_;
  std::function<void(Result<std::string>)> signed_;  // away's: waits for the certificate
  std::function<void(Result<net::Fd>)> opened_;      // away's: waits for the carrier's socket
  Numbering wishes_;                                 // for an agent
  Numbering questions_;
  Numbering signatures_;                          // answered by certified()
  std::unique_ptr<ClientConnection> connection_;  // away's
};

ClientLogin::ClientLogin(LoopIo& home, LoopIo& away, ClientOptions options, UpstreamEvents& events,
                         std::unique_ptr<Carrier> carrier)
    : home_(home), away_(std::make_shared<Away>(*this, home, away, events, std::move(carrier))) {
  away_->start(std::move(options));
}

ClientLogin::~ClientLogin() { away_->leave(); }

std::unique_ptr<Stream> ClientLogin::lend_agent(StreamEvents& events) {
  auto pair = net::connected_pair();
  if (!pair) {
    refuse_agent(pair.error().detail);
    return nullptr;
  }
  auto there = std::make_shared<net::Fd>(std::move(pair->first));
  away_->answer_wish([there = std::move(there)](ClientConnection& to) { to.give_agent(std::move(*there)); });
  return std::make_unique<net::SocketStream>(home_.loop(), home_.lingering(), std::move(pair->second), events);
}
void ClientLogin::refuse_agent(std::string why) {
  away_->answer_wish([why = std::move(why)](UpstreamAnswers& to) { to.refuse_agent(why); });
}
void ClientLogin::answer(std::vector<SecretString> answers) {
  // A function that can be posted can be copied; secrets can't.
  auto moved = std::make_shared<std::vector<SecretString>>(std::move(answers));
  away_->answer_question([moved = std::move(moved)](UpstreamAnswers& to) { to.answer(std::move(*moved)); });
}
void ClientLogin::refuse_answer(std::string told) {
  away_->answer_question([told = std::move(told)](UpstreamAnswers& to) { to.refuse_answer(told); });
}

}  // namespace sallyport::ssh

#include "ssh/downstream/downstream_login.hpp"

#include <functional>
#include <string>
#include <utility>

#include <sallyport/told_once.hpp>

#include "ssh/transport/numbering.hpp"
#include "ssh/transport/ssh_transport.hpp"

namespace sallyport::ssh {

/// What the two threads have in common. It lives as long as a call is on its way.
class DownstreamLogin::Away final : public UserauthEvents, public std::enable_shared_from_this<Away> {
 public:
  Away(LoopIo& home, LoopIo& away, UserauthEvents& events) : home_(home), away_(away), events_(events) {}

  // At home

  void start(std::shared_ptr<const ServerContext> context, net::Fd fd) {
    // A function that can be posted can be copied.
    auto socket = std::make_shared<net::Fd>(std::move(fd));
    away_.loop().post([self = shared_from_this(), context = std::move(context), socket = std::move(socket)] {
      self->guarded(self->away_, [&] {
        self->connection_ =
            std::make_unique<DownstreamConnection>(self->away_, context, std::move(*socket), static_cast<UserauthEvents&>(*self));
      });
    });
  }
  void call(std::function<void(DownstreamConnection&)> call) {
    away_.loop().post([self = shared_from_this(), call = std::move(call)] {
      if (self->connection_) self->guarded(self->away_, [&] { call(*self->connection_); });
    });
  }
  /// To the request that was heard last.
  void answer(std::function<void(DownstreamConnection&)> call) {
    away_.loop().post([self = shared_from_this(), number = requests_.answer(), call = std::move(call)] {
      if (!self->connection_ || !self->requests_.is_answered_by(number)) return;
      self->guarded(self->away_, [&] { call(*self->connection_); });
    });
  }
  void leave() {
    if (events_.is_over()) return;  // nothing is left there
    events_.drop();
    away_.loop().post([self = shared_from_this()] { self->connection_.reset(); });
  }
  const ConnectionInfo& info() const { return info_; }

 private:
  // Away

  void on_userauth(const UserauthRequest& request) override {
    tell_request([request](ToldOnce<UserauthEvents>& events) { events.tell(&UserauthEvents::on_userauth, request); });
  }

  void on_info_response(std::vector<SecretString> answers) override {
    // A function that can be posted can be copied; secrets can't.
    auto moved = std::make_shared<std::vector<SecretString>>(std::move(answers));
    tell_request([moved = std::move(moved)](ToldOnce<UserauthEvents>& events) {
      events.tell(&UserauthEvents::on_info_response, std::move(*moved));
    });
  }

  void on_logged_in(std::unique_ptr<Transport> transport) override {
    auto parts = std::make_shared<Result<SshTransport::Parts>>(static_cast<SshTransport&>(*transport).take_apart());
    const ConnectionInfo info = connection_->info();
    away_.loop().retire(std::move(transport));
    end();
    home_.loop().post([self = shared_from_this(), parts = std::move(parts), info] {
      if (self->events_.is_over()) return;
      self->info_ = info;
      auto connection = *parts ? SshTransport::adopt(self->home_, std::move(**parts)) : fail(parts->error());
      if (!connection) return self->events_.end(&UserauthEvents::on_failed, connection.error());
      self->events_.end(&UserauthEvents::on_logged_in, std::unique_ptr<Transport>(std::move(*connection)));
    });
  }

  void on_failed(const Error& why) override {
    end();
    home_.loop().post([self = shared_from_this(), why] { self->events_.end(&UserauthEvents::on_failed, why); });
  }

  /// The connection is on the stack. It goes before its end is told: there is nothing left that could tell another one.
  void end() { away_.loop().retire(std::move(connection_)); }

  void tell_request(std::function<void(ToldOnce<UserauthEvents>&)> tell) {
    home_.loop().post([self = shared_from_this(), number = requests_.ask(), tell = std::move(tell)] {
      self->requests_.hear(number);
      self->guarded(self->home_, [&] { tell(self->events_); });
    });
  }

  /// What throws ends the login.
  template <typename Act>
  void guarded(LoopIo& where, Act act) {
    if (const auto why = net::guarded(where.loop().uv(), act))
      away_.loop().post([self = shared_from_this(), why = *why] { self->on_failed(why); });
  }

  LoopIo& home_;
  LoopIo& away_;
  ToldOnce<UserauthEvents> events_;                   // home's
  ConnectionInfo info_;                               // home's
  Numbering requests_;                                // of the client's, which want an answer each
  std::unique_ptr<DownstreamConnection> connection_;  // away's
};

DownstreamLogin::DownstreamLogin(LoopIo& home, LoopIo& away, std::shared_ptr<const ServerContext> context, net::Fd fd,
                                 UserauthEvents& events)
    : away_(std::make_shared<Away>(home, away, events)) {
  away_->start(std::move(context), std::move(fd));
}

DownstreamLogin::~DownstreamLogin() { away_->leave(); }

void DownstreamLogin::accept() {
  away_->answer([](DownstreamConnection& connection) { connection.accept(); });
}
void DownstreamLogin::pass() {
  away_->answer([](DownstreamConnection& connection) { connection.pass(); });
}
void DownstreamLogin::ask(const InfoRequest& request) {
  away_->answer([request](DownstreamConnection& connection) { connection.ask(request); });
}
void DownstreamLogin::ask_new_password(std::string_view prompt) {
  away_->answer([prompt = std::string(prompt)](DownstreamConnection& connection) { connection.ask_new_password(prompt); });
}
void DownstreamLogin::can_continue(std::vector<std::string> methods) {
  away_->call([methods = std::move(methods)](DownstreamConnection& connection) { connection.can_continue(methods); });
}
void DownstreamLogin::show(std::string_view text) {
  away_->call([text = std::string(text)](DownstreamConnection& connection) { connection.show(text); });
}
void DownstreamLogin::reject() {
  away_->answer([](DownstreamConnection& connection) { connection.reject(); });
}
void DownstreamLogin::offer_ok() {
  away_->answer([](DownstreamConnection& connection) { connection.offer_ok(); });
}
void DownstreamLogin::disconnect(DisconnectReason reason, std::string_view text) {
  away_->call([reason, text = std::string(text)](DownstreamConnection& connection) { connection.disconnect(reason, text); });
}
ConnectionInfo DownstreamLogin::info() const { return away_->info(); }

}  // namespace sallyport::ssh

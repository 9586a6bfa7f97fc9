#include "ssh/downstream/downstream_login.hpp"

#include <utility>

#include "ssh/downstream/downstream_connection.hpp"
#include "ssh/transport/away.hpp"

namespace sallyport::ssh {

class DownstreamLogin::Shared final : public Away<DownstreamConnection, UserauthEvents>, private UserauthEvents {
 public:
  Shared(LoopIo& home, LoopIo& away, UserauthEvents& events) : Away(home, away, events) {}

  void start(std::shared_ptr<const ServerContext> context, net::Fd fd) {
    begin([this, context = std::move(context), fd = std::move(fd)]() mutable {
      return std::make_unique<DownstreamConnection>(away_, std::move(context), std::move(fd),
                                                    static_cast<UserauthEvents&>(*this));
    });
  }
  /// To the request that was heard last.
  template <typename... Params, typename... Args>
  void answer(void (DownstreamConnection::*function)(Params...), Args&&... arguments) {
    Away::answer(requests_, function, std::forward<Args>(arguments)...);
  }
  const ConnectionInfo& info() const { return info_; }

 private:
  // UserauthEvents, away

  void on_userauth(const UserauthRequest& request) override {
    post(home_, [this, number = requests_.ask(), request] {
      requests_.hear(number);
      events_.tell(&UserauthEvents::on_userauth, request);
    });
  }
  void on_info_response(std::vector<SecretString> answers) override {
    post(home_, [this, number = requests_.ask(), answers = std::move(answers)]() mutable {
      requests_.hear(number);
      events_.tell(&UserauthEvents::on_info_response, std::move(answers));
    });
  }
  void on_logged_in(std::unique_ptr<Transport> transport) override {
    bring_home(std::move(transport), [this, info = object_->info()](Result<std::unique_ptr<SshTransport>> connection) {
      info_ = info;
      if (!connection) return events_.end(&UserauthEvents::on_failed, connection.error());
      events_.end(&UserauthEvents::on_logged_in, std::unique_ptr<Transport>(std::move(*connection)));
    });
  }
  void on_failed(const Error& why) override { fail(why); }

  void fail(const Error& why) override {
    end();
    post(home_, [this, why] { events_.end(&UserauthEvents::on_failed, why); });
  }

  ConnectionInfo info_;  // home's
  Numbering requests_;   // of the client's, which want an answer each
};

DownstreamLogin::DownstreamLogin(LoopIo& home, LoopIo& away, std::shared_ptr<const ServerContext> context, net::Fd fd,
                                 UserauthEvents& events)
    : shared_(std::make_shared<Shared>(home, away, events)) {
  shared_->start(std::move(context), std::move(fd));
}

DownstreamLogin::~DownstreamLogin() { shared_->leave(); }

void DownstreamLogin::accept() { shared_->answer(&DownstreamConnection::accept); }
void DownstreamLogin::pass() { shared_->answer(&DownstreamConnection::pass); }
void DownstreamLogin::reject() { shared_->answer(&DownstreamConnection::reject); }
void DownstreamLogin::offer_ok() { shared_->answer(&DownstreamConnection::offer_ok); }
void DownstreamLogin::ask(const InfoRequest& request) { shared_->answer(&DownstreamConnection::ask, request); }
void DownstreamLogin::ask_new_password(std::string_view prompt) {
  shared_->answer(&DownstreamConnection::ask_new_password, prompt);
}
void DownstreamLogin::can_continue(std::vector<std::string> methods) {
  shared_->call(&DownstreamConnection::can_continue, std::move(methods));
}
void DownstreamLogin::show(std::string_view text) { shared_->call(&DownstreamConnection::show, text); }
void DownstreamLogin::disconnect(DisconnectReason reason, std::string_view text) {
  shared_->call(&DownstreamConnection::disconnect, reason, text);
}
ConnectionInfo DownstreamLogin::info() const { return shared_->info(); }

}  // namespace sallyport::ssh

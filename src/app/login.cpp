#include "app/login.hpp"

#include <chrono>
#include <utility>

namespace sallyport::app {

using log::escaped;

Login::Login(ssh::LoopIo& io, ssh::LoopIo& away, LoginContext context, Client client, net::Fd fd, log::Logger& log, AuditTrail& audit,
             LoginEvents& owner)
    : io_(io),
      context_(std::move(context)),
      log_(log),
      audit_(audit),
      owner_(owner),
      connection_(io, away, context_.server, std::move(fd), *this) {
  client_.id = client.id;
  client_.source = std::move(client.source);
  client_.local = std::move(client.local);
  AuditEvent event("connect");
  event.with("connection", client_.id)
      .with("source", client_.source.address)
      .with("port", static_cast<std::uint64_t>(client_.source.port));
  if (client.inner) {
    client_.outer = client.inner->outer;
    default_target_ = std::move(client.inner->asked_target);
    log_.info("conn={} accepted source={}:{} outer={} target={}", client_.id, client_.source.address,
              client_.source.port, *client_.outer, escaped(default_target_));
    event.with("outer", *client_.outer).with("target", default_target_);
  } else {
    log_.info("conn={} accepted source={}:{}", client_.id, client_.source.address, client_.source.port);
  }
  audit_.record(event);
}

Login::~Login() = default;

void Login::on_userauth(const ssh::UserauthRequest& request) {
  request_ = request;
  const auto name = route::parse_login_name(request.user, context_.config->server.login_separator);
  if (!name) return reject(name.error().detail);
  client_.user = name->user;
  client_.asked_target = name->target.value_or(default_target_);
  if (request.method != ssh::UserauthRequest::Method::publickey || !request.key) {
    return connection_.reject();  // "none": the client asks what there is
  }
  client_.method = "publickey";
  client_.fingerprint = request.key->fingerprint;
  // A client asks with a key first and then signs with the same: one look-up serves both.
  if (known_key_ && known_key_->blob == request.key->blob) return decide();
  look_up_key();
}

void Login::on_info_response(std::vector<SecretString>) { connection_.reject(); }  // nobody has asked

void Login::look_up_key() {
  struct Search {
    std::shared_ptr<const Config> config;
    auth::KeyQuery query;
    Result<auth::KeySearch> result = fail(Errc::unavailable, "not looked up");
  };
  auto search = std::make_shared<Search>();
  search->config = context_.config;
  search->query = {client_.user, request_.key->blob, client_.source.address, std::chrono::system_clock::now()};
  look_up_ = io_.loop().work(
      [search] {
        const AuthSettings& auth = search->config->auth;
        search->result = auth::find_key(auth.authorized_keys, auth.max_authorized_keys_size, search->query);
      },
      [this, search] {
        look_up_.reset();
        if (!search->result) {
          log_.warn("conn={} keys unavailable user={} reason=\"{}\"", client_.id, escaped(client_.user),
                    escaped(search->result.error().detail));
          return reject("the user's keys are unavailable");
        }
        for (const auth::KeyWarning& warning : search->result->warnings)
          log_.warn("conn={} key file {}:{}: {}", client_.id, escaped(warning.file), warning.line,
                    escaped(warning.reason));
        known_key_ = KnownKey{request_.key->blob, std::move(search->result->accepted)};
        decide();
      });
}

void Login::decide() {
  const ssh::UserauthRequest::PublicKey& key = *request_.key;
  if (!known_key_->accepted) return reject("the key is not one of the user's");
  if (!key.is_signed) return connection_.offer_ok();
  const LoginGrant& options = *known_key_->accepted;
  const bool security_key = key.algorithm.starts_with("sk-");
  if (security_key && options.touch_required && !key.user_present) return reject("the security key was not touched");
  if (security_key && options.verify_required && !key.user_verified) return reject("the security key's user was not verified");
  if (const std::string refusal = owner_.refuses_user(client_.user); !refusal.empty()) {
    record_auth(false, refusal);
    return connection_.disconnect(DisconnectReason::too_many_connections, refusal);
  }
  client_.grant = options;
  record_auth(true, {});
  connection_.accept();
}

void Login::reject(std::string_view why) {
  record_auth(false, why);
  connection_.reject();
}

void Login::record_auth(bool success, std::string_view why) {
  const std::string_view method = request_.key ? "publickey" : "none";
  if (success) {
    log_.info("conn={} authenticated user={} method={} key={} source={}:{}", client_.id, escaped(client_.user), method,
              client_.fingerprint, client_.source.address, client_.source.port);
  } else {
    log_.info("conn={} authentication refused login={} method={} key={} reason=\"{}\"", client_.id,
              escaped(request_.user), method, client_.fingerprint, why);
  }
  AuditEvent event("auth");
  event.with("connection", client_.id).with("login", request_.user).with("method", method);
  event.with("key", client_.fingerprint).with("success", success);
  if (!success) event.with("reason", why);
  audit_.record(event);
}

void Login::on_logged_in(std::unique_ptr<Transport> transport) {
  route::RouteQuery query{client_.user, std::nullopt, client_.source.address};
  if (!client_.asked_target.empty()) query.target = client_.asked_target;
  // A client without a route is let in, and told so on its first channel: earlier there is nowhere to say it.
  if (auto decision = route::Router(context_.config).route(query)) {
    client_.decision = std::move(*decision);
  } else {
    client_.refusal = decision.error().detail;
  }
  const ssh::ConnectionInfo info = connection_.info();
  log_.debug("conn={} negotiated kex={} cipher={}/{} strict_kex={} peer={}", client_.id, info.kex, info.cipher_in,
             info.cipher_out, info.strict_kex, escaped(info.peer_identification));
  owner_.on_login(std::move(client_), std::move(transport));
}

void Login::on_failed(const Error& why) {
  log_.info("conn={} closed before login source={}:{} reason=\"{}\"", client_.id, client_.source.address,
            client_.source.port, escaped(why.detail));
  audit_.record(AuditEvent("close").with("connection", client_.id).with("reason", why.detail));
  owner_.on_login_failed(*this);
}

}  // namespace sallyport::app

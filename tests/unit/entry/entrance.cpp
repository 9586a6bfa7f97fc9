#include "entrance.hpp"

#include <utility>

namespace sallyport::entry {

Config entrance_config(std::vector<std::string> methods) {
  Config config;
  config.auth.methods = std::move(methods);
  Target shell;
  shell.name = "shell";
  shell.kind = TargetKind::local;
  config.targets["shell"] = shell;
  Route route;
  route.name = "everybody";
  route.users = std::vector<std::string>{"alice", "bob"};
  route.to = "shell";
  config.routes.push_back(route);
  return config;
}

UserauthRequest request_of(std::string method, std::string user) {
  UserauthRequest request;
  request.user = std::move(user);
  request.method = method == "none"                   ? UserauthRequest::Method::none
                   : method == "publickey"            ? UserauthRequest::Method::publickey
                   : method == "password"             ? UserauthRequest::Method::password
                   : method == "keyboard-interactive" ? UserauthRequest::Method::keyboard_interactive
                                                      : UserauthRequest::Method::other;
  request.method_name = std::move(method);
  return request;
}

UserauthRequest offer_of(const std::string& key, std::string user) {
  UserauthRequest request = request_of("publickey", std::move(user));
  request.is_offer = true;
  UserauthRequest::PublicKey sent;
  sent.algorithm = "ssh-ed25519";
  sent.blob.assign(key.begin(), key.end());
  sent.fingerprint = "SHA256:" + key;
  request.key = std::move(sent);
  return request;
}

UserauthRequest signed_by(const std::string& key, std::string user) {
  UserauthRequest request = offer_of(key, std::move(user));
  request.is_offer = false;
  request.key->is_signed = true;
  return request;
}

UserauthRequest password_of(const std::string& password, std::string user) {
  UserauthRequest request = request_of("password", std::move(user));
  request.password = std::make_shared<const SecretString>(password);
  return request;
}

Entrance::Entrance(Config values) { reload(std::move(values)); }

Entrance::~Entrance() { loop.free_all_retired(); }

void Entrance::reload(Config values) {
  config = std::make_shared<const Config>(std::move(values));
  admitter.set_config(config);
}

LoginContext Entrance::context() {
  return {config, [this](net::Fd, UserauthEvents& events) { return userauth.serve(events); }, nullptr};
}

std::string Entrance::line_with(std::string_view part) const {
  std::string last;
  for (const std::string& line : log.lines())
    if (line.find(part) != std::string::npos) last = line.substr(line.find(' ') + 1);
  return last;
}

void LoginTest::begin(Login::Client who) {
  login = std::make_unique<Login>(LoginServices{clock, identities, admitter, of_logins}, context(), std::move(who), net::Fd(),
                                  static_cast<LoginEvents&>(*this));
}

void LoginTest::pass(const std::string& method) {
  if (method == "publickey") {
    client().request(signed_by("good"));
    check().grant();
  } else if (method == "password") {
    client().request(password_of("secret"));
    check().accept();
  } else {
    client().request(request_of("keyboard-interactive"));
    check().ask("Code: ");
    client().answer({"123456"});
    check().accept(method == "code");
  }
}

}  // namespace sallyport::entry

#include "ssh_fixture.hpp"

#include <arpa/inet.h>
#include <libssh/libssh.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sallyport::ssh::test {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "sallyport-ssh-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}
TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path_); }

std::string TemporaryFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream{file(name)} << text;
  return file(name);
}

std::string make_key(const std::string& path, KeyKind kind) {
  ensure_libssh();
  const auto type = kind == KeyKind::ed25519    ? SSH_KEYTYPE_ED25519
                    : kind == KeyKind::ecdsa256 ? SSH_KEYTYPE_ECDSA_P256
                    : kind == KeyKind::ecdsa384 ? SSH_KEYTYPE_ECDSA_P384
                    : kind == KeyKind::ecdsa521 ? SSH_KEYTYPE_ECDSA_P521
                                                : SSH_KEYTYPE_RSA;
  ssh_key key = nullptr;
  EXPECT_EQ(ssh_pki_generate_key(type, nullptr, &key), SSH_OK);
  const KeyHandle owner{key};
  EXPECT_EQ(ssh_pki_export_privkey_file(key, nullptr, nullptr, nullptr, path.c_str()), SSH_OK);
  ::chmod(path.c_str(), 0600);
  char* encoded = nullptr;
  EXPECT_EQ(ssh_pki_export_pubkey_base64(key, &encoded), SSH_OK);
  std::string line = std::string{ssh_key_type_to_char(ssh_key_type(key))} + " " + encoded;
  ssh_string_free_char(encoded);
  return line;
}

void TransportLog::on_message(ByteView payload) {
  bytes += payload.size();
  if (keep_messages) messages.emplace_back(payload.begin(), payload.end());
  if (also) also(payload);
}

void TransportLog::on_closed(const Error& why) {
  closed = why;
  if (then_closed) then_closed();
}

void ServerSide::on_userauth(const UserauthRequest& request) {
  requests.push_back(request);
  decide(*connection, request);
}
void ServerSide::on_info_response(std::vector<SecretString> given) {
  std::vector<std::string> texts;
  for (const SecretString& answer : given) texts.emplace_back(answer.view());
  answers.push_back(texts);
  if (decide_answers) decide_answers(*connection, texts);
}
void ServerSide::on_logged_in(std::unique_ptr<Transport> transport) {
  log.transport = std::move(transport);
  log.transport->attach(&log);
  logged_in = true;
  connection.reset();
}
void ServerSide::on_failed(const Error& why) {
  failed = why;
  connection.reset();
}

void ClientSide::on_connected(std::unique_ptr<Transport> transport) {
  log.transport = std::move(transport);
  log.transport->attach(&log);
  connected = true;
  connection.reset();
}
void ClientSide::on_connect_failed(const UpstreamFailure& why) {
  failed = why;
  connection.reset();
}

void accept_all(DownstreamConnection& connection, const UserauthRequest& request) {
  if (request.key && !request.key->is_signed) {
    connection.offer_ok();
  } else {
    connection.accept();
  }
}

SshTest::SshTest() : decide_(accept_all) {
  std::signal(SIGPIPE, SIG_IGN);
  io_.emplace(loop_, clock_);
  make_key(user_key_file_, KeyKind::ed25519);
}

void SshTest::TearDown() {
  client_.connection.reset();
  client_.log.transport.reset();
  servers_.clear();
  listener_.reset();
  io_.reset();
  auto closed = loop_.close();
  EXPECT_TRUE(closed) << closed.error().detail;
}

void SshTest::listen() { listen(ServerOptions{}); }

void SshTest::listen(ServerOptions options) {
  auto keys = HostKeys::load(host_key_files_);
  ASSERT_TRUE(keys) << keys.error().detail;
  auto context = ServerContext::make(*keys, std::move(options));
  ASSERT_TRUE(context) << context.error().detail;
  context_ = *context;
  auto listener = net::Listener::open(loop_, "127.0.0.1:0",
                                      {.on_connection = [this](net::Fd fd, const net::SocketAddress&) { take(std::move(fd)); },
                                       .on_trouble = [](const Error& why) { ADD_FAILURE() << why.detail; }});
  ASSERT_TRUE(listener) << listener.error().detail;
  listener_ = std::move(*listener);
  port_ = listener_->address().port();
  std::string lines;
  for (const auto& entry : keys->keys()) {
    char* encoded = nullptr;
    ASSERT_EQ(ssh_pki_export_pubkey_base64(entry.key.get(), &encoded), SSH_OK);
    host_key_line_ = entry.type + " " + encoded;
    ssh_string_free_char(encoded);
    lines += "[127.0.0.1]:" + std::to_string(port_) + " " + host_key_line_ + "\n";
  }
  folder_.write("known_hosts", lines);
}

void SshTest::take(net::Fd fd) {
  servers_.push_back(std::make_unique<ServerSide>());
  ServerSide& side = *servers_.back();
  side.decide = decide_;
  side.decide_answers = decide_answers_;
  side.connection = std::make_unique<DownstreamConnection>(*io_, context_, std::move(fd), side);
}

ClientOptions SshTest::client_options() const {
  ClientOptions options;
  options.name = "web1";
  options.host = "127.0.0.1";
  options.port = port_;
  options.user = "alice";
  options.credentials = {{Credential::Kind::key_file, user_key_file_}};
  options.known_hosts = {folder_.file("known_hosts")};
  options.connect_timeout = std::chrono::seconds(90);  // for a busy machine
  return options;
}

void SshTest::connect(ClientOptions options) {
  client_.connection = std::make_unique<ClientConnection>(*io_, std::move(options), client_);
}

void SshTest::log_in() {
  connect();
  ASSERT_TRUE(run_until([this] { return client_.failed || (client_.connected && !servers_.empty() && servers_[0]->logged_in); }))
      << "no login in time";
  ASSERT_FALSE(client_.failed) << client_.failed->detail;
}

bool SshTest::run_until(const std::function<bool()>& condition) {
  bool late = false;
  // Long enough for a busy machine with sanitizers; only a failing test ever waits for it.
  const auto deadline = clock_.after(std::chrono::seconds(100), [&late] { late = true; });
  while (!condition() && !late) loop_.run_once();
  return condition();
}

int SshTest::plain_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

}  // namespace sallyport::ssh::test

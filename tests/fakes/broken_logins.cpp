#include "fakes/broken_logins.hpp"

#include <libssh/libssh.h>
#include <libssh/server.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

#include "fakes/fake_clock.hpp"
#include "net/loop/loop.hpp"
#include "net/loop/uv_clock.hpp"
#include "net/sockets/lingering.hpp"
#include "net/sockets/socket_stream.hpp"
#include "ssh/downstream/downstream_login.hpp"
#include "ssh/keys/host_keys.hpp"
#include "ssh/seam/seam.h"
#include "ssh/transport/login_thread.hpp"
#include "ssh/transport/ssh_transport.hpp"
#include "ssh/upstream/client_login.hpp"

namespace sallyport::fakes {
namespace {

using namespace sallyport::ssh;

constexpr const char* kKex = "curve25519-sha256";  // the cheapest
/// A connection that is cut after so many bytes is cut behind all that the peer says next.
constexpr int kNextWrite = 1 << 24;
/// Turns of the loop in which nothing happens: then nothing will, until time passes.
constexpr int kQuietTurns = 8;
/// Longer than any time limit of a login.
constexpr Duration kLongTime = std::chrono::seconds(200);

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sallyport-ends-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

KeyHandle make_key(const std::string& file) {
  ssh_key key = nullptr;
  if (ssh_pki_generate_key(SSH_KEYTYPE_ED25519, nullptr, &key) != SSH_OK) std::abort();
  if (ssh_pki_export_privkey_file(key, nullptr, nullptr, nullptr, file.c_str()) != SSH_OK) std::abort();
  ::chmod(file.c_str(), 0600);
  return KeyHandle{key};
}

Bytes text_message(std::uint8_t type, std::string_view text) {
  Bytes message{type, 0, 0, 0, static_cast<std::uint8_t>(text.size())};
  message.insert(message.end(), text.begin(), text.end());
  return message;
}

/// Some of what a peer may say at the wrong moment. Not of the key exchange: the peer's own libssh would take part in
/// that.
Bytes nonsense(Choices& choices) {
  switch (choices.below(14)) {
    case 0: return {2, 0, 0, 0, 1, 'i'};                     // IGNORE
    case 1: return {3, 0, 0, 0, 7};                          // UNIMPLEMENTED
    case 2: return {4, 1, 0, 0, 0, 0, 0, 0, 0, 0};           // DEBUG
    case 3: return {1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0};  // DISCONNECT
    case 4: return {52};                                     // USERAUTH_SUCCESS
    case 5: return {51, 0, 0, 0, 8, 'p', 'a', 's', 's', 'w', 'o', 'r', 'd', 0};
    case 6: return {53, 0, 0, 0, 1, 'b', 0, 0, 0, 0};  // BANNER
    case 7: return {60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, '?', 0};
    case 8: return {61, 0, 0, 0, 1, 0, 0, 0, 1, 'a'};                     // INFO_RESPONSE
    case 9: return text_message(5, "ssh-userauth");                       // SERVICE_REQUEST
    case 10: return {80, 0, 0, 0, 1, 'g', 1};                             // GLOBAL_REQUEST
    case 11: return {50, 0, 0, 0, 1, 'a'};                                // USERAUTH_REQUEST
    default: return {static_cast<std::uint8_t>(192 + choices.below(8))};  // of no meaning: UNIMPLEMENTED comes back
  }
}

/// The peer, which has exchanged keys in good order.
class Peer : public LoginDriver {
 public:
  /// `point` is a place where something may break; `cut` breaks the connection behind what is said next.
  Peer(Choices& choices, std::function<void()> point, std::function<void()> cut)
      : choices_(choices), cut_(std::move(cut)), point_(std::move(point)) {}
  bool on_userauth_packet(ByteView) override { return true; }
  void on_turn() override {}
  void on_dead(const Error&) override { dead_ = true; }
  void say(ByteView message) {
    if (connection_ && connection_->is_alive() && ready_) connection_->send_login_message(message);
  }
  bool ready() const { return ready_; }

 protected:
  void point() { point_(); }
  Choices& choices_;
  std::function<void()> cut_;
  std::unique_ptr<SshTransport> connection_;
  bool ready_ = false;
  bool dead_ = false;

 private:
  std::function<void()> point_;
};

class ClientPeer final : public Peer {
 public:
  ClientPeer(LoopIo& io, net::Fd fd, ssh_key key, Choices& choices, std::function<void()> on_point, std::function<void()> on_cut)
      : Peer(choices, std::move(on_point), std::move(on_cut)), key_(key), method_(choices.below(4)) {
    auto session = new_session();
    if (!session) std::abort();
    ssh_session raw = session->get();
    ssh_options_set(raw, SSH_OPTIONS_HOST, "target");
    ssh_options_set(raw, SSH_OPTIONS_USER, "alice");
    ssh_options_set(raw, SSH_OPTIONS_KEY_EXCHANGE, kKex);
    connection_ = std::make_unique<SshTransport>(io, std::move(*session), Role::client, static_cast<LoginDriver&>(*this));
    if (!connection_->start(std::move(fd), "SSH-2.0-OpenSSH_9.9 peer")) std::abort();
    static_cast<void>(ssh_connect(raw));
  }

  void on_progress() override {
    if (!ready_) ready_ = ssh_connect(connection_->session()) == SSH_OK;
    if (!ready_) return;
    if (!in_) log_in();
    point();
  }

 private:
  void log_in() {
    ssh_session session = connection_->session();
    int rc = SSH_AUTH_DENIED;
    switch (method_) {
      case 0: rc = ssh_userauth_none(session, nullptr); break;
      case 1: rc = ssh_userauth_password(session, nullptr, "secret"); break;
      case 2: rc = ssh_userauth_publickey(session, nullptr, key_); break;
      default:
        rc = ssh_userauth_kbdint(session, nullptr, nullptr);
        if (rc != SSH_AUTH_INFO) break;
        for (int i = 0; i < ssh_userauth_kbdint_getnprompts(session); ++i)
          ssh_userauth_kbdint_setanswer(session, static_cast<unsigned int>(i), "42");
        rc = ssh_userauth_kbdint(session, nullptr, nullptr);
        break;
    }
    if (rc == SSH_AUTH_AGAIN) return;
    if (rc == SSH_AUTH_SUCCESS) {
      in_ = true;
      for (int i = 0; i < 3; ++i) connection_->send_login_message(Bytes{80, 0, 0, 0, 1, 'g', 1});
      return;
    }
    if (tries_++ < 6) method_ = 1 + (method_ + 1) % 3;
  }

  ssh_key key_;
  std::uint32_t method_;
  std::uint32_t tries_ = 0;
  bool in_ = false;
};

class ServerPeer final : public Peer {
 public:
  ServerPeer(LoopIo& io, net::Fd fd, ssh_key host_key, Choices& choices, std::function<void()> on_point,
             std::function<void()> on_cut)
      : Peer(choices, std::move(on_point), std::move(on_cut)), bind_(ssh_bind_new()) {
    const bool no_files = false;
    ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_PROCESS_CONFIG, &no_files);
    ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_KEY_EXCHANGE, kKex);
    ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_IMPORT_KEY, ssh_key_dup(host_key));
    auto session = new_session();
    if (!session) std::abort();
    ssh_session raw = session->get();
    if (ssh_bind_accept_fd(bind_.get(), raw, SSH_INVALID_SOCKET) != SSH_OK) std::abort();
    connection_ = std::make_unique<SshTransport>(io, std::move(*session), Role::server, static_cast<LoginDriver&>(*this));
    if (!connection_->start(std::move(fd), "")) std::abort();
    static_cast<void>(ssh_handle_key_exchange(raw));
  }

  bool on_userauth_packet(ByteView) override {
    asked_ = true;
    return true;
  }
  void on_info_response_packet(ByteView) override { asked_ = true; }

  void on_progress() override {
    ssh_session session = connection_->session();
    if (spssh_phase(session) == SPSSH_HANDSHAKE) return;
    ready_ = true;
    MessageHandle message{spssh_next_message(session)};
    if (std::exchange(asked_, false)) {
      decide(message.get());
    } else if (message && ssh_message_type(message.get()) == SSH_REQUEST_SERVICE) {
      ssh_message_service_reply_success(message.get());
    }
    point();
  }

 private:
  void decide(ssh_message message) {
    if (choices_.one_in(2)) say(nonsense(choices_));
    if (choices_.one_in(6)) cut_();
    switch (choices_.below(8)) {
      case 0:
      case 1: {
        Bytes failure = text_message(51, "publickey,password,keyboard-interactive");
        failure.push_back(0);
        return say(failure);
      }
      case 2:
        spssh_expect_info_response(connection_->session(), 1);
        return say(Bytes{60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, '?', 0});
      case 3: return;  // no answer
      case 4:
        if (message != nullptr && ssh_message_subtype(message) == SSH_AUTH_METHOD_PUBLICKEY) {
          ssh_message_auth_reply_pk_ok_simple(message);
          return;
        }
        [[fallthrough]];
      default:
        if (message == nullptr || ssh_message_type(message) != SSH_REQUEST_AUTH) return say(Bytes{52});
        ssh_message_auth_reply_success(message, 0);
        for (int i = 0; i < 3; ++i) say(Bytes{80, 0, 0, 0, 1, 'g', 1});
        if (choices_.one_in(3)) say(nonsense(choices_));
    }
  }

  BindHandle bind_;
  bool asked_ = false;
};

/// Gives away a socket of the test's.
class GivenSocket final : public Carrier {
 public:
  GivenSocket(Clock& clock, net::Fd socket) : clock_(clock), socket_(std::move(socket)) {}
  void open(std::function<void(Result<net::Fd>)> done) override {
    later_ = clock_.after(Duration{0}, [this, done = std::move(done)] {
      const auto call = done;
      call(std::move(socket_));
    });
  }
  std::string failure_told() const override { return "there is no socket"; }

 private:
  Clock& clock_;
  net::Fd socket_;
  std::unique_ptr<Timer> later_;
};

void set_non_blocking_buffers(const net::Fd& fd, bool small) {
  const int size = 4 * 1024;
  if (small) static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
}

}  // namespace

std::uint32_t Choices::below(std::uint32_t count) {
  if (random_) return static_cast<std::uint32_t>((*random_)() >> 4) % count;
  if (input_.empty()) return 0;
  std::uint32_t value = input_[0];
  input_ = input_.subspan(1);
  return value % count;
}

class BrokenLogins::World {
 public:
  explicit World(bool with_thread) : on_thread(with_thread) {
    std::signal(SIGPIPE, SIG_IGN);
    ensure_libssh();
    io.emplace(loop, clock());
    const auto count = [this](const Error&) { ++counts.stopped; };
    loop.on_exception(count);
    if (on_thread) thread.emplace(count);
    host_key = make_key(folder.file("host"));
    user_key = make_key(folder.file("user"));
    char* encoded = nullptr;
    if (ssh_pki_export_pubkey_base64(host_key.get(), &encoded) != SSH_OK) std::abort();
    std::ofstream(folder.file("known_hosts")) << "target ssh-ed25519 " << encoded << "\n";
    ssh_string_free_char(encoded);
    auto keys = HostKeys::load({folder.file("host")});
    if (!keys) std::abort();
    ServerOptions server;
    server.algorithms.kex = {{kKex}};
    server.methods = {"publickey", "password", "keyboard-interactive"};
    auto made = ServerContext::make(*keys, server);
    if (!made) std::abort();
    context = *made;
    options.name = "web1";
    options.host = "target";
    options.user = "alice";
    options.known_hosts = {folder.file("known_hosts")};
    options.algorithms.kex = {{kKex}};
    options.client.user = "alice";
    options.client.lends_agent = true;
  }

  Clock& clock() { return on_thread ? static_cast<Clock&>(uv_clock) : static_cast<Clock&>(time); }
  LoopIo& away() { return on_thread ? thread->io() : *io; }

  const bool on_thread;
  Folder folder;
  net::Loop loop;
  net::UvClock uv_clock{loop};
  FakeClock time;
  std::optional<LoopIo> io;
  std::optional<LoginThread> thread;  // goes first
  KeyHandle host_key;
  KeyHandle user_key;
  std::shared_ptr<const ServerContext> context;
  ClientOptions options;
  BrokenLoginCounts counts;
};

/// One login, in either role.
class BrokenLogins::Login final : private UserauthEvents, private UpstreamEvents, private TransportEvents {
 public:
  Login(World& world, OurRole role, Choices& choices) : world_(world), role_(role), choices_(choices), next_break_(pause()) {
    auto ours = net::connected_pair();
    auto theirs = net::connected_pair();
    if (!ours || !theirs) std::abort();
    const bool small = choices_.one_in(4);
    set_non_blocking_buffers(ours->first, small);
    set_non_blocking_buffers(ours->second, small);
    ours_far_ = std::move(ours->second);
    theirs_far_ = std::move(theirs->second);
    const auto point = [this] { this->point(); };
    const auto cut = [this] { cut_after_ = kNextWrite; };
    if (role_ == OurRole::server) {
      peer_ = std::make_unique<ClientPeer>(*world_.io, std::move(theirs->first), world_.user_key.get(), choices_, point, cut);
      server_ = std::make_unique<DownstreamLogin>(*world_.io, world_.away(), world_.context, std::move(ours->first),
                                                  static_cast<UserauthEvents&>(*this));
    } else {
      peer_ = std::make_unique<ServerPeer>(*world_.io, std::move(theirs->first), world_.host_key.get(), choices_, point, cut);
      ClientOptions options = world_.options;
      const std::vector<Credential> all{{Credential::Kind::key_file, world_.folder.file("user")},
                                        {Credential::Kind::keyboard_interactive, {}},
                                        {Credential::Kind::forwarded_agent, {}}};
      const std::uint32_t first = choices_.below(3);
      for (std::uint32_t i = 0; i < 3; ++i) options.credentials.push_back(all[(first + i) % 3]);
      client_ = std::make_unique<ClientLogin>(*world_.io, world_.away(), std::move(options), static_cast<UpstreamEvents&>(*this),
                                              std::make_unique<GivenSocket>(world_.clock(), std::move(ours->first)));
    }
  }
  ~Login() override = default;

  std::string run() {
    turn_until_quiet();
    // Whoever still waits has a limit for it.
    for (int i = 0; i < 4 && !world_.on_thread && (!is_over() || transport_hangs()); ++i) {
      world_.time.advance(kLongTime);
      turn_until_quiet();
    }
    if (!world_.on_thread && !is_over()) wrong("a login waits for ever");
    if (!world_.on_thread && transport_hangs()) wrong("nobody was told the end of a transport");
    done_ = true;
    give_up();
    peer_.reset();
    agent_.reset();
    for (int i = 0; i < kQuietTurns; ++i) turn();
    return wrong_;
  }

 private:
  // ---- the world turns

  void turn() {
    moved_ = false;
    carry(ours_far_, to_theirs_, to_ours_, theirs_far_, stalled_from_ours_, stalled_to_ours_);
    if (world_.on_thread || waiting_for_pool()) {
      pollfd watched{ours_far_.get(), POLLIN, 0};
      static_cast<void>(::poll(&watched, 1, 1));
    }
    uv_run(world_.loop.uv(), UV_RUN_NOWAIT);
    if (!world_.on_thread) world_.time.advance(std::exchange(pass_time_, Duration::zero()));
    if (late_answer_ && choices_.one_in(3)) std::exchange(late_answer_, nullptr)();
    if (held_turns_ > 0 && --held_turns_ == 0) let_go();
  }

  /// Our client's files are read in the thread pool.
  bool waiting_for_pool() const { return role_ == OurRole::client && !begun_ && !is_over(); }

  void turn_until_quiet() {
    int quiet = 0;
    const int enough = world_.on_thread ? 12 : kQuietTurns;
    for (int i = 0; i < 100'000 && quiet < enough; ++i) {
      const std::uint64_t before = happened_;
      turn();
      const bool busy = moved_ || happened_ != before || held_turns_ > 0 || late_answer_ || waiting_for_pool();
      quiet = busy ? 0 : quiet + 1;
    }
  }

  /// Both directions of the wire, with what stands in its way.
  void carry(net::Fd& ours, Bytes& from_ours, Bytes& from_theirs, net::Fd& theirs, bool stalled_from, bool stalled_to) {
    if (!stalled_from) take(ours, from_ours);
    take(theirs, from_theirs);
    give(theirs, from_ours, -1);
    if (!stalled_to) give(ours, from_theirs, cut_after_);
  }
  void take(net::Fd& fd, Bytes& into) {
    if (!fd || into.size() > 256 * 1024) return;
    std::array<std::uint8_t, 16 * 1024> block;
    const ssize_t count = ::recv(fd.get(), block.data(), block.size(), MSG_DONTWAIT);
    if (count > 0) {
      into.insert(into.end(), block.begin(), block.begin() + count);
      moved_ = true;
      if (&fd == &ours_far_) begun_ = true;
      point();
    } else if (count == 0 && &fd == &theirs_far_ && to_ours_.empty() && ours_far_) {
      static_cast<void>(::shutdown(ours_far_.get(), SHUT_WR));
      theirs_far_.reset();
    }
  }
  void give(net::Fd& fd, Bytes& what, int most) {
    if (!fd || what.empty()) return;
    const std::size_t size = most < 0 ? what.size() : std::min(what.size(), static_cast<std::size_t>(most));
    const ssize_t count = size == 0 ? 0 : ::send(fd.get(), what.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
      what.erase(what.begin(), what.begin() + count);
      moved_ = true;
    }
    if (most == kNextWrite) cut_after_ = 0;
    if (most >= 0 && (cut_after_ -= static_cast<int>(std::max<ssize_t>(count, 0))) <= 0) reset();
  }
  /// Ours gets an end, and its writing fails.
  void reset() {
    cut_after_ = -1;
    ours_far_.reset();
    theirs_far_.reset();
  }
  void let_go() {
    stalled_to_ours_ = stalled_from_ours_ = false;
    if (!cut_behind_) return;
    // All that was held in one write, and then nothing more: ours is still to read it.
    give(ours_far_, to_ours_, -1);
    reset();
  }

  // ---- points, and what happens there

  std::uint32_t pause() { return 1 + choices_.below(24); }

  void point() {
    ++happened_;
    if (done_ || --next_break_ > 0) return;
    next_break_ = pause();
    ++world_.counts.breaks;
    switch (choices_.below(14)) {
      case 0: return reset();
      case 1:
        if (ours_far_) static_cast<void>(::shutdown(ours_far_.get(), SHUT_WR));
        return;
      case 2:
      case 3:
        stalled_to_ours_ = true;
        held_turns_ = 1 + static_cast<int>(choices_.below(12));
        cut_behind_ = choices_.one_in(2);
        return;
      case 4:
        stalled_from_ours_ = true;
        held_turns_ = choices_.one_in(3) ? 0 : 1 + static_cast<int>(choices_.below(40));
        return;
      case 5: cut_after_ = static_cast<int>(choices_.below(250)); return;
      case 6:
      case 7:
        if (peer_) peer_->say(nonsense(choices_));
        return;
      case 8: return say_goodbye();
      case 9: pass_time_ = choices_.one_in(2) ? std::chrono::seconds(3) : std::chrono::seconds(95); return;
      case 10: return give_up();
      case 11:
      case 12:  // ours has it to read, and nobody to write to
        cut_after_ = kNextWrite;
        return;
      default: return answer_anyhow();
    }
  }

  void say_goodbye() {
    if (server_) server_->disconnect(DisconnectReason::by_application, "enough");
    if (transport_) transport_->disconnect(DisconnectReason::by_application, "enough");
  }

  /// Ours isn't wanted any more. In the middle of its callbacks, too.
  void give_up() {
    if (!is_over()) {
      given_up_ = true;
      if (!done_) ++world_.counts.given_up;
    }
    server_.reset();
    client_.reset();
    late_answer_ = nullptr;
    if (transport_) world_.loop.retire(std::move(transport_));
    agent_.reset();
  }

  void answer_anyhow() {
    if (server_) {
      switch (choices_.below(6)) {
        case 0: return server_->accept();
        case 1: return server_->reject();
        case 2: return server_->pass();
        case 3: return server_->ask({{}, "more", {{"?", false}}});
        case 4: return server_->ask_new_password("a new one");
        default: return server_->show("hear");
      }
    }
    if (client_) {
      switch (choices_.below(4)) {
        case 0: return client_->refuse_agent("none");
        case 1: return client_->answer({});
        case 2: return client_->refuse_answer("nobody");
        default: agent_ = lend(*client_);
      }
    }
  }

  std::unique_ptr<Stream> lend(UpstreamAnswers& to) {
    agent_.reset();
    agent_user_.emplace(*this);
    return to.lend_agent(*agent_user_);
  }

  /// A point inside of a callback of ours, whose user may make a mistake there.
  void callback() {
    point();
    if (done_ || !choices_.one_in(40)) return;
    ++world_.counts.exceptions;
    throw std::runtime_error("a mistake");
  }

  // ---- ends

  bool is_over() const { return given_up_ || failed_ || logged_in_; }
  bool transport_hangs() const { return transport_ && !ours_far_ && !transport_closed_; }
  void wrong(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }
  /// An event of the login's.
  bool heard(const char* what) {
    if (given_up_) wrong(std::string(what) + " was told to somebody who had gone");
    if (failed_) wrong(std::string(what) + " came behind a failure");
    if (logged_in_) wrong(std::string(what) + " came behind a success");
    return !given_up_;
  }
  void end_of_login() {
    // The login may go in its last event, or later.
    if (choices_.one_in(2)) return;
    server_.reset();
    client_.reset();
  }
  void let_in(std::unique_ptr<Transport> transport) {
    if (!heard("a success")) return;
    logged_in_ = true;
    ++world_.counts.logged_in;
    transport_ = std::move(transport);
    transport_->attach(this);
    const std::uint32_t burst = choices_.below(3) * 40;
    for (std::uint32_t i = 0; i < burst; ++i) transport_->send(Bytes(2000, 94));
    end_of_login();
    callback();
  }
  void failed() {
    if (!heard("a failure")) return;
    failed_ = true;
    ++world_.counts.failed;
    end_of_login();
    callback();
  }

  // UserauthEvents
  void on_userauth(const UserauthRequest& request) override {
    if (!heard("a request")) return;
    callback();
    if (!server_) return;
    const auto decide = [this, method = request.method, signed_ = request.key && request.key->is_signed] {
      if (!server_) return;
      switch (choices_.below(8)) {
        case 0: return server_->reject();
        case 1: return server_->pass();
        case 2: return;  // by nobody
        default: break;
      }
      if (method == UserauthRequest::Method::keyboard_interactive) return server_->ask({{}, "code", {{"code: ", false}}});
      if (method == UserauthRequest::Method::publickey && !signed_) return server_->offer_ok();
      server_->accept();
      if (choices_.one_in(8)) say_goodbye();
    };
    choices_.one_in(3) ? void(late_answer_ = decide) : decide();
  }
  void on_info_response(std::vector<SecretString>) override {
    if (!heard("an answer")) return;
    callback();
    if (server_) choices_.one_in(3) ? server_->reject() : server_->accept();
  }
  void on_logged_in(std::unique_ptr<Transport> transport) override { let_in(std::move(transport)); }
  void on_failed(const Error&) override { failed(); }

  // UpstreamEvents
  void on_connected(std::unique_ptr<Transport> transport) override { let_in(std::move(transport)); }
  void on_connect_failed(const UpstreamFailure&) override { failed(); }
  void on_agent_wanted(UpstreamAnswers& to) override {
    if (!heard("a wish for an agent")) return;
    callback();
    if (!client_) return;
    if (choices_.one_in(2)) return to.refuse_agent("none");
    agent_ = lend(to);
  }
  void on_question(UpstreamAnswers& to, const UpstreamQuestion& question) override {
    if (!heard("a question")) return;
    callback();
    if (!client_) return;
    std::vector<SecretString> answers;
    for (std::size_t i = 0; i < question.prompts.size(); ++i) answers.emplace_back("42");
    const std::uint32_t how = choices_.below(4);
    if (how == 0) return;  // by nobody
    how == 1 ? to.refuse_answer("nobody") : to.answer(std::move(answers));
  }

  // TransportEvents
  void on_message(ByteView) override {
    if (transport_closed_) wrong("a message came behind the end of its transport");
    callback();
    if (transport_) transport_->send(Bytes{82});
  }
  void on_drained() override {
    if (transport_closed_) wrong("on_drained came behind the end of its transport");
    callback();
  }
  void on_closed(const Error&) override {
    if (transport_closed_) wrong("the end of a transport was told twice");
    transport_closed_ = true;
    ++world_.counts.transport_ended;
    callback();
    if (choices_.one_in(2)) world_.loop.retire(std::move(transport_));
  }

  /// The agent that was lent.
  struct AgentUser final : StreamEvents {
    explicit AgentUser(Login& owner) : login(owner) {}
    void on_connected() override { login.callback(); }
    void on_failed(const Error&) override { end("on_failed"); }
    void on_received(ByteView) override { login.callback(); }
    void on_input_end() override { login.callback(); }
    void on_sent() override { login.callback(); }
    void on_output_end() override { login.callback(); }
    void on_broken(const Error&) override { end("on_broken"); }
    void end(const char* what) {
      if (std::exchange(ended, true)) login.wrong(std::string(what) + " of an agent came behind its end");
      login.callback();
    }
    Login& login;
    bool ended = false;
  };

  World& world_;
  const OurRole role_;
  Choices& choices_;
  std::uint32_t next_break_;
  net::Fd ours_far_;
  net::Fd theirs_far_;
  Bytes to_ours_;
  Bytes to_theirs_;
  std::unique_ptr<Peer> peer_;
  std::unique_ptr<DownstreamLogin> server_;
  std::unique_ptr<ClientLogin> client_;
  std::unique_ptr<Transport> transport_;
  std::optional<AgentUser> agent_user_;
  std::unique_ptr<Stream> agent_;
  std::function<void()> late_answer_;
  int held_turns_ = 0;
  int cut_after_ = -1;
  bool cut_behind_ = false;
  bool stalled_to_ours_ = false;
  bool stalled_from_ours_ = false;
  Duration pass_time_{};
  bool moved_ = false;
  bool begun_ = false;
  std::uint64_t happened_ = 0;
  bool given_up_ = false;
  bool logged_in_ = false;
  bool failed_ = false;
  bool transport_closed_ = false;
  bool done_ = false;
  std::string wrong_;
};

BrokenLogins::BrokenLogins(bool on_thread) : world_(std::make_unique<World>(on_thread)) {}
BrokenLogins::~BrokenLogins() = default;

std::string BrokenLogins::run(OurRole role, Choices& choices) { return Login(*world_, role, choices).run(); }

const BrokenLoginCounts& BrokenLogins::counts() const { return world_->counts; }

std::string BrokenLogins::close() {
  world_->thread.reset();
  world_->loop.free_all_retired();
  world_->io.reset();
  const auto closed = world_->loop.close();
  return closed ? std::string() : closed.error().detail;
}

}  // namespace sallyport::fakes

#include "control/server.hpp"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "net/sockets/folder.hpp"
#include "net/sockets/stream.hpp"

namespace sallyport::control {
namespace {

constexpr mode_t kFolderMode = 0750;

}  // namespace

/// One client. Its timer bounds everything that it may be slow in.
class Server::Client {
 public:
  Client(Server& server, const net::PeerCredentials& peer)
      : server_(server), requester_{peer.uid, peer.pid}, lines_(server.limits_.request_bytes) {}

  Result<> start(net::Fd fd) {
    auto stream = net::Stream::open(server_.loop_, std::move(fd), server_.limits_.unread_bytes,
                                    {.on_data = [this](ByteView bytes) { on_data(bytes); },
                                     .on_end = [this](const Error& why) { on_end(why); },
                                     .on_finished = [this] { server_.drop(*this); }});
    if (!stream) return fail(stream.error());
    stream_ = std::move(*stream);
    restart_timer();
    return {};
  }

  /// Says why nothing else will be said, and ends.
  void refuse(std::string_view why) {
    send(error_response(why));
    finish();
  }

  /// Nothing calls it any more: neither the socket nor the clock nor a late response.
  void shut() {
    finishing_ = true;
    timer_.reset();
    stream_.reset();
    link_.reset();
  }

 private:
  void on_data(ByteView bytes) {
    if (finishing_) return;
    if (!lines_.feed(bytes)) {
      server_.log_.warn("control request too long uid={} pid={}", requester_.uid, requester_.pid);
      return refuse("the request is too long");
    }
    run_requests();
  }

  void on_end(const Error& why) {
    if (why.code != Errc::closed) return server_.drop(*this);
    input_ended_ = true;
    // A client may half-close behind its requests and still wants their responses.
    if (!answering_ && !finishing_) finish();
  }

  void run_requests() {
    std::string line;
    while (!answering_ && !finishing_ && lines_.next(line)) {
      answering_ = true;
      stream_->pause();
      restart_timer();
      in_handler_ = true;
      server_.handler_.handle(line, requester_,
                              [link = std::weak_ptr<Client*>(link_), number = ++request_](const std::string& response) {
                                if (const auto client = link.lock()) (*client)->answer(number, response);
                              });
      in_handler_ = false;
    }
  }

  void answer(std::uint64_t request, std::string_view response) {
    if (request != request_ || !answering_ || finishing_) return;
    answering_ = false;
    send(response);
    if (finishing_) return;
    restart_timer();
    stream_->resume();
    // Inside handle() the loop that called it goes on.
    if (!in_handler_) run_requests();
    if (input_ended_ && !answering_ && !finishing_) finish();
  }

  void send(std::string_view response) {
    std::string line(response);
    line += '\n';
    if (stream_->write(line)) return;
    server_.log_.warn("control client reads too slowly uid={} pid={}", requester_.uid, requester_.pid);
    server_.drop(*this);
  }

  void finish() {
    if (std::exchange(finishing_, true)) return;
    stream_->finish();
  }

  void restart_timer() {
    unread_ = stream_->queued();
    timer_ = server_.clock_.after(server_.limits_.idle, [this] { on_timer(); });
  }

  void on_timer() {
    // Slow but moving is fair: a large table over a slow terminal.
    if (const std::size_t unread = stream_->queued(); unread != 0 && unread != unread_) return restart_timer();
    if (answering_) {
      answering_ = false;
      send(error_response("timed out"));
    }
    server_.drop(*this);  // does nothing when send() has done it
  }

  Server& server_;
  const Requester requester_;
  net::LineSplitter lines_;
  std::unique_ptr<net::Stream> stream_;
  std::unique_ptr<Timer> timer_;
  std::shared_ptr<Client*> link_ = std::make_shared<Client*>(this);  // a late response finds out whether we live
  std::size_t unread_ = 0;
  std::uint64_t request_ = 0;  // number of the last one, so that a second response to another isn't taken for its own
  bool answering_ = false;     // a request is being handled; the next one waits
  bool in_handler_ = false;
  bool input_ended_ = false;
  bool finishing_ = false;
};

Server::Server(net::Loop& loop, Clock& clock, RequestHandler& handler, log::Logger& log, ServerLimits limits)
    : loop_(loop), clock_(clock), handler_(handler), log_(log), limits_(limits) {}

Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(net::Loop& loop, Clock& clock, const std::string& path, RequestHandler& handler,
                                             log::Logger& log, ServerLimits limits) {
  auto server = std::make_unique<Server>(loop, clock, handler, log, limits);
  Server* self = server.get();
  // /run/sallyport, say, without systemd to make it.
  if (auto made = net::make_folder_of(path, kFolderMode); !made) return fail(std::move(made.error()));
  auto listener = net::UnixListener::open(
      loop, path,
      {.on_connection = [self](net::Fd fd, const net::PeerCredentials& peer) { self->accept(std::move(fd), peer); },
       .on_trouble = [self](const Error& why) { self->log_.error("control socket can't accept error=\"{}\"", why.detail); }});
  if (!listener) return fail(listener.error());
  server->listener_ = std::move(*listener);
  return server;
}

void Server::accept(net::Fd fd, const net::PeerCredentials& peer) {
  // Beyond a few more than the limit there isn't even a word of refusal.
  constexpr std::size_t kRefusals = 8;
  const bool allowed = may_control(peer.uid, ::geteuid());
  const bool full = clients_.size() >= limits_.clients;
  if (!allowed) log_.warn("control client refused: not the daemon's user uid={} pid={}", peer.uid, peer.pid);
  if (clients_.size() >= limits_.clients + kRefusals) {
    log_.warn("control client dropped: too many uid={} pid={}", peer.uid, peer.pid);
    return;
  }
  auto client = std::make_unique<Client>(*this, peer);
  if (auto started = client->start(std::move(fd)); !started) {
    log_.warn("control client failed error=\"{}\"", started.error().detail);
    return;
  }
  clients_.push_back(std::move(client));
  if (!allowed) {
    clients_.back()->refuse("permission denied: only the daemon's user and root may do this");
  } else if (full) {
    clients_.back()->refuse("too many control connections");
  }
}

void Server::drop(Client& client) {
  const auto found =
      std::find_if(clients_.begin(), clients_.end(), [&client](const auto& held) { return held.get() == &client; });
  if (found == clients_.end()) return;
  client.shut();
  // One of its functions is on the stack.
  loop_.retire(std::move(*found));
  clients_.erase(found);
}

}  // namespace sallyport::control

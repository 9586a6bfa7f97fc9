#include "net/sockets/connector.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include <sallyport/told_once.hpp>

#include "net/loop/handle.hpp"

namespace sallyport::net {
namespace {

class Attempt final : public Connecting {
 public:
  Attempt(Resolver& resolver, std::string host, std::uint16_t port, const std::string& user, Duration limit,
          std::function<void(Result<Connected>)> done, PermitAddress permits)
      : loop_(resolver.loop()),
        host_(std::move(host)),
        port_(port),
        deadline_(loop_.now() + limit),
        done_(std::move(done)),
        permits_(std::move(permits)) {
    if (!timer_.open(*this, uv_timer_init, loop_.uv())) std::abort();  // allocates nothing, can't fail
    if (auto address = SocketAddress::from_numbers(host_, port_)) {
      addresses_.push_back(*address);
      start_timer(Duration{0});  // done() never runs inside connect_to()
    } else {
      start_timer(limit);
      look_up_ = resolver.ask(host_, user, [this](Result<Resolver::Addresses> found) { looked_up(std::move(found)); });
    }
  }

 private:
  using Timer = Handle<uv_timer_t, Attempt>;
  using Poll = Handle<uv_poll_t, Attempt>;

  void looked_up(Result<Resolver::Addresses> found) {
    loop_.retire(std::move(look_up_));  // it is on the stack
    if (!found) {
      // A name server that gave no answer: for whoever asked, the name wasn't found.
      last_error_ = Error{Errc::not_found, std::move(found.error().detail)};
      return try_next();
    }
    for (const SocketAddress& number : *found)
      if (auto address = SocketAddress::from_numbers(number.host(), port_)) addresses_.push_back(*address);
    try_next();
  }

  // Begins with the next address, or ends. May destroy *this.
  void try_next() {
    while (next_ < addresses_.size()) {
      poll_.close();
      fd_.reset();
      const SocketAddress& address = addresses_[next_++];
      if (begin(address)) return;
    }
    finish(fail(last_error_.value_or(Error{Errc::io, "connect to " + host_ + ": no address"})));
  }

  // True when the attempt is under way.
  bool begin(const SocketAddress& address) {
    if (permits_ && !permits_(address))
      return failed(Error{Errc::denied, "connect to " + name_of(address) + ": it is the daemon's own"});
    uv_update_time(loop_.uv());
    const Duration left = deadline_ - loop_.now();
    if (left <= Duration{0}) return failed(Error{Errc::timeout, "connect to " + name_of(address) + ": no time left"});
    fd_ = Fd{socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd_) return failed(from_errno(errno, "socket for " + name_of(address)));
    // Also when it is connected at once, as it may be on this machine, the watcher tells on a later turn.
    if (connect(fd_.get(), address.get(), address.length()) != 0 && errno != EINPROGRESS) {
      return failed(from_errno(errno, "connect to " + name_of(address)));
    }
    if (auto opened = poll_.open(*this, uv_poll_init, loop_.uv(), fd_.get()); !opened) return failed(opened.error());
    if (int rc = uv_poll_start(poll_.get(), UV_WRITABLE, on_ready); rc != 0) return failed(from_uv(rc, "watch socket"));
    // One silent address must not eat the time of the others.
    const auto shares = static_cast<Duration::rep>(addresses_.size() - next_ + 1);
    start_timer(std::max(left / shares, Duration{1}));
    return true;
  }

  bool failed(Error error) {
    last_error_ = std::move(error);
    return false;
  }

  // Its status is EBADF for every kind of trouble: the socket itself knows better.
  static void on_ready(uv_poll_t* uv, int, int) noexcept { Poll::call(uv, &Attempt::look_at_socket, &Attempt::broken); }

  void look_at_socket() {
    int error_number = 0;
    socklen_t length = sizeof error_number;
    if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error_number, &length) != 0) error_number = errno;
    const SocketAddress address = addresses_[next_ - 1];
    if (error_number != 0) {
      last_error_ = from_errno(error_number, "connect to " + name_of(address));
      return try_next();
    }
    poll_.close();
    finish(Connected{std::move(fd_), address});
  }

  static void on_timer(uv_timer_t* uv) noexcept { Timer::call(uv, &Attempt::time_is_up, &Attempt::broken); }

  void time_is_up() {
    if (look_up_ != nullptr) {
      look_up_.reset();
      last_error_ = Error{Errc::timeout, "look up " + host_ + ": no answer in time"};
    } else if (poll_) {
      const auto& address = addresses_[next_ - 1];
      last_error_ = Error{Errc::timeout, "connect to " + name_of(address) + ": no answer in time"};
    }
    try_next();
  }

  void broken(const Error& why) { finish(fail(why)); }

  void start_timer(Duration wait) {
    const auto milliseconds = static_cast<std::uint64_t>(std::max<Duration::rep>(wait.count(), 0));
    if (uv_timer_start(timer_.get(), on_timer, milliseconds, 0) != 0) std::abort();  // only for a closing handle
  }

  std::string name_of(const SocketAddress& address) const {
    return address.host() == host_ ? address.text() : host_ + " (" + address.text() + ")";
  }

  void finish(Result<Connected> outcome) {
    poll_.close();
    timer_.close();
    done_(std::move(outcome));  // may destroy *this
  }

  Loop& loop_;
  const std::string host_;
  const std::uint16_t port_;
  const TimePoint deadline_;
  OutcomeOnce<Result<Connected>> done_;
  const PermitAddress permits_;
  std::unique_ptr<Resolver::Question> look_up_;
  std::vector<SocketAddress> addresses_;
  std::size_t next_ = 0;
  std::optional<Error> last_error_;
  Timer timer_;
  Fd fd_;  // before the watcher: it must be open when that closes
  Poll poll_;
};

}  // namespace

std::unique_ptr<Connecting> connect_to(Resolver& resolver, std::string host, std::uint16_t port, const std::string& user,
                                       Duration limit, std::function<void(Result<Connected>)> done, PermitAddress permits) {
  return std::make_unique<Attempt>(resolver, std::move(host), port, user, limit, std::move(done), std::move(permits));
}

}  // namespace sallyport::net

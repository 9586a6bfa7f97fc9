// sallyport-pam: asks PAM on behalf of sallyportd, one process for each login. Not to be started by hand: its standard input
// is a socket to the daemon, and protocol.hpp says what is spoken there. It lives as long as the client's connection.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <optional>

#include "pam/channel.hpp"
#include "pam/protocol.hpp"
#include "pam/transaction.hpp"

namespace {

using namespace sallyport::pam;

/// What the end of a session may take; then SIGALRM ends the helper.
constexpr unsigned kGoodbyeSeconds = 10;

/// No core file and no debugger of the same user's: passwords go through here.
void keep_secrets() {
  const rlimit none{0, 0};
  static_cast<void>(::setrlimit(RLIMIT_CORE, &none));
  static_cast<void>(::prctl(PR_SET_DUMPABLE, 0));
}

bool is_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

int serve(Channel& channel) {
  const auto first = channel.receive();
  const auto start = first && first->type == Type::start ? parse_start(first->fields) : std::nullopt;
  if (!start) return 1;
  Transaction transaction(channel);
  if (auto failed = transaction.begin(*start)) {
    channel.send(frame(*failed));
    return 0;
  }
  if (!channel.send(frame(Type::authenticated))) return 0;
  const auto next = channel.receive();
  if (!next || next->type != Type::open) return 0;  // the login has come to nothing
  // From here on a hang-up must not keep the session from being closed; the daemon kills whoever takes too long.
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  if (auto failed = transaction.open_session()) {
    channel.send(frame(*failed));
    return 0;
  }
  if (channel.send(frame(Type::opened))) static_cast<void>(channel.receive());  // until the connection has gone
  ::signal(SIGALRM, SIG_DFL);
  ::alarm(kGoodbyeSeconds);
  return 0;
}

}  // namespace

int main() {
  keep_secrets();
  ::signal(SIGPIPE, SIG_IGN);
  if (!is_socket(STDIN_FILENO)) {
    std::fputs("sallyport-pam is a part of sallyportd, which starts it. See sallyportd(8).\n", stderr);
    return 2;
  }
  try {
    auto channel = Channel::on_standard_input();
    return channel ? serve(*channel) : 1;
  } catch (const std::exception& error) {  // memory, most likely
    std::fprintf(stderr, "sallyport-pam: %s\n", error.what());
    return 1;
  }
}

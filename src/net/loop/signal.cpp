#include "net/loop/signal.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "net/loop/error.hpp"

namespace sallyport::net {
namespace {

sigset_t set_of(const std::vector<int>& numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  return set;
}

}  // namespace

Result<std::unique_ptr<SignalWatcher>> SignalWatcher::open(Loop& loop, int signal_number, std::function<void()> on_signal) {
  std::unique_ptr<SignalWatcher> watcher{new SignalWatcher{std::move(on_signal)}};
  if (auto opened = watcher->handle_.open(*watcher, uv_signal_init, loop.uv()); !opened) {
    return fail(std::move(opened.error()));
  }
  if (int rc = uv_signal_start(watcher->handle_.get(), arrived, signal_number); rc != 0) {
    return fail(from_uv(rc, "watch signal " + std::to_string(signal_number)));
  }
  return watcher;
}

void SignalWatcher::arrived(uv_signal_t* uv, int) noexcept {
  Watch::call(uv, [](SignalWatcher& self) {
    const auto on_signal = self.on_signal_;  // a copy: it may destroy the watcher
    on_signal();
  });
}

void hold_back_signals(const std::vector<int>& numbers) {
  const sigset_t set = set_of(numbers);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Result<std::unique_ptr<SignalReader>> SignalReader::open(Loop& loop, const std::vector<int>& numbers,
                                                         std::function<void(int)> on_signal) {
  const sigset_t set = set_of(numbers);
  Fd fd{::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)};
  if (!fd) return fail(from_errno(errno, "read signals"));
  std::unique_ptr<SignalReader> reader{new SignalReader{std::move(fd), std::move(on_signal)}};
  if (auto opened = reader->poll_.open(*reader, uv_poll_init, loop.uv(), reader->fd_.get()); !opened)
    return fail(std::move(opened.error()));
  if (int rc = uv_poll_start(reader->poll_.get(), UV_READABLE, on_ready); rc != 0) return fail(from_uv(rc, "watch signals"));
  return reader;
}

void SignalReader::on_ready(uv_poll_t* uv, int, int) noexcept { Poll::call(uv, &SignalReader::read_one); }

// The next one is for the next turn: the descriptor stays readable.
void SignalReader::read_one() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
  const auto on_signal = on_signal_;  // a copy: it may destroy the reader
  on_signal(static_cast<int>(info.ssi_signo));
}

}  // namespace sallyport::net

#include "pam/channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sallyport::pam {

std::optional<Channel> Channel::on_standard_input() {
  const int fd = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd < 0 || nothing < 0) return std::nullopt;
  if (::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(nothing, STDOUT_FILENO) < 0) return std::nullopt;
  ::close(nothing);
  return Channel(fd);
}

Channel::Channel(Channel&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      received_(std::move(other.received_)),
      size_(std::exchange(other.size_, 0)),
      used_(std::exchange(other.used_, 0)) {}

Channel::~Channel() {
  wipe(received_);
  if (fd_ >= 0) ::close(fd_);
}

std::optional<Frame> Channel::receive() {
  size_ -= used_;
  std::memmove(received_.data(), received_.data() + used_, size_);
  ::explicit_bzero(received_.data() + size_, used_);
  used_ = 0;
  for (;;) {
    const Cut cut = cut_frame({received_.data(), size_});
    if (cut.broken) return std::nullopt;
    if (cut.frame) {
      used_ = cut.used;
      return cut.frame;
    }
    const ssize_t count = ::read(fd_, received_.data() + size_, received_.size() - size_);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    size_ += static_cast<std::size_t>(count);
  }
}

bool Channel::send(Bytes frame) {
  std::size_t sent = 0;
  while (sent < frame.size()) {
    const ssize_t count = ::send(fd_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    sent += static_cast<std::size_t>(count);
  }
  const bool whole = sent == frame.size();
  wipe(frame);
  return whole;
}

}  // namespace sallyport::pam

#include "log/append_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sallyport::log {
namespace {

bool is_standard_error(const std::string& path) { return path == "-"; }

Result<int> open_descriptor(const std::string& path, mode_t mode) {
  if (is_standard_error(path)) return STDERR_FILENO;
  // Non-blocking so that a FIFO nobody reads is an error here and not a daemon that never starts.
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);
  if (fd < 0) return fail(Errc::io, "open " + path + ": " + system_text(errno));
  return fd;
}

}  // namespace

std::string system_text(int error_number) { return std::system_category().message(error_number); }

Result<AppendFile> AppendFile::open(const std::string& path, mode_t mode) {
  Result<int> fd = open_descriptor(path, mode);
  if (!fd) return fail(fd.error());
  return AppendFile(path, mode, *fd);
}

AppendFile::~AppendFile() {
  if (fd_ >= 0 && !is_standard_error(path_)) ::close(fd_);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), mode_(other.mode_), fd_(std::exchange(other.fd_, -1)) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(mode_, other.mode_);
  std::swap(fd_, other.fd_);
  return *this;
}

AppendFile::Written AppendFile::write(std::string_view bytes) {
  Written written;
  while (written.bytes < bytes.size()) {
    const ssize_t count = ::write(fd_, bytes.data() + written.bytes, bytes.size() - written.bytes);
    if (count >= 0) {
      written.bytes += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      // A pipe or a terminal that is full for the moment. Standard error may be non-blocking through no doing of ours.
      pollfd writable{fd_, POLLOUT, 0};
      if (::poll(&writable, 1, 1000) == 0) {
        written.error_number = EAGAIN;
        break;
      }
    } else if (errno != EINTR) {
      written.error_number = errno;
      break;
    }
  }
  return written;
}

Result<> AppendFile::reopen() {
  Result<int> fd = open_descriptor(path_, mode_);
  if (!fd) return fail(fd.error());
  if (!is_standard_error(path_)) {
    ::close(fd_);
    fd_ = *fd;
  }
  return {};
}

}  // namespace sallyport::log

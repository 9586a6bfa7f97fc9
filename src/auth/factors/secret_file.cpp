#include "auth/factors/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <system_error>
#include <utility>

namespace sallyport::auth {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  /// False when the last bytes could not be written.
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

Failure unavailable(const std::string& path, const std::string& why) { return fail(Errc::unavailable, path + ": " + why); }
Failure failed(const std::string& path, int error) { return unavailable(path, std::generic_category().message(error)); }

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

Result<SecretString> read_secret_file(const std::string& path, std::size_t limit) {
  // Non-blocking, for the case that it is a FIFO.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0 && errno == ENOENT) return fail(Errc::not_found, path + ": " + std::generic_category().message(errno));
  if (file.get() < 0) return failed(path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed(path, errno);
  if (!S_ISREG(status.st_mode)) return unavailable(path, "it is not a regular file");
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    return unavailable(path, "its owner is neither root nor the daemon's user");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return unavailable(path, "others than its owner may touch it: mode 0600 is needed");
  if (static_cast<std::uint64_t>(status.st_size) > limit) return unavailable(path, "it is too large");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error = errno;
      wipe(text);
      return failed(path, error);
    }
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  SecretString secret(std::string_view(text).substr(0, size));
  wipe(text);
  return secret;
}

Result<> replace_secret_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  // What a run that was cut short has left is ours; a link in its place is not followed.
  Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (file.get() < 0) return failed(fresh, errno);
  if (::fchmod(file.get(), S_IRUSR | S_IWUSR) != 0 || !write_all(file.get(), text) || ::fsync(file.get()) != 0 || !file.close())
    return failed(fresh, errno);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed(path, errno);
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) return failed(folder, errno);
  return {};
}

}  // namespace sallyport::auth

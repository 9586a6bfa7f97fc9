#include "config/files.hpp"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace sallyport::config {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

/// Closes on the way out.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class SystemFiles : public Files {
 public:
  Result<std::string> read(const std::string& path) const override {
    // Non-blocking, so that a FIFO in the place of the file does not hang us before it is refused.
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) return fail(errno == ENOENT ? Errc::not_found : Errc::io, reason(errno));
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return fail(Errc::io, reason(errno));
    if (!S_ISREG(status.st_mode)) return fail(Errc::io, "it is not a regular file");
    std::string text;
    char block[16 * 1024];
    for (;;) {
      const ssize_t count = ::read(fd.get(), block, sizeof block);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail(Errc::io, reason(errno));
      if (count == 0) return text;
      text.append(block, static_cast<std::size_t>(count));
      if (text.size() > kMaxSize) return fail(Errc::limit, fmt::format("it is larger than {} bytes", kMaxSize));
    }
  }

  Result<std::vector<std::string>> match(const std::string& pattern) const override {
    glob_t found{};
    const int rc = ::glob(pattern.c_str(), GLOB_ERR, nullptr, &found);
    std::vector<std::string> paths;
    if (rc == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    const int error = errno;
    ::globfree(&found);
    if (rc == 0 || rc == GLOB_NOMATCH) return paths;
    return fail(Errc::io, rc == GLOB_ABORTED ? reason(error) : "out of memory");
  }

  std::string canonical(const std::string& path) const override {
    std::error_code ignored;
    const auto real = std::filesystem::weakly_canonical(path, ignored);
    return ignored ? path : real.string();
  }
};

}  // namespace

const Files& system_files() {
  static const SystemFiles files;
  return files;
}

}  // namespace sallyport::config

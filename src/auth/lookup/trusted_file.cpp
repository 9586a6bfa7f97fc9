#include "auth/lookup/trusted_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "auth/lookup/account_rights.hpp"

namespace sallyport::auth {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

bool is_missing(int error) { return error == ENOENT || error == ENOTDIR; }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  int get() const { return fd_; }

 private:
  void close() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd_;
};

std::optional<std::string> why_untrusted(const struct stat& status, const FileTrust& trust) {
  const bool known_owner =
      status.st_uid == 0 || status.st_uid == ::geteuid() || (trust.account && status.st_uid == trust.account->uid);
  if (!known_owner)
    return trust.account ? "its owner is neither root nor the daemon's user nor the user"
                         : "its owner is neither root nor the daemon's user";
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "its group or others may write it";
  return std::nullopt;
}

std::optional<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? std::optional<std::string>(real.get()) : std::nullopt;
}

bool is_below(std::string_view path, std::string_view folder) {
  return folder == "/" || (path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/');
}

/// The topmost folder above `path` that is checked.
std::string topmost_checked(const std::string& path, const FileTrust& trust) {
  std::string topmost = "/";
  for (const std::string& boundary : trust.boundaries) {
    const auto folder = real_path(boundary);
    if (folder && is_below(path, *folder) && folder->size() > topmost.size()) topmost = *folder;
  }
  return topmost;
}

/// Opens a path without symbolic links from the root folder down, and checks on the way what it goes through.
Result<Descriptor> open_checked(const std::string& path, const FileTrust& trust) {
  const std::string topmost = topmost_checked(path, trust);
  Descriptor at(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::size_t end = 0;  // path.substr(0, end) is the folder that is open
  for (;;) {
    if (at.get() < 0) return fail(is_missing(errno) ? Errc::not_found : Errc::unavailable, reason(errno));
    struct stat status {};
    if (::fstat(at.get(), &status) != 0) return fail(Errc::unavailable, reason(errno));
    const bool is_file = end == path.size();
    const std::string folder = end == 0 ? "/" : path.substr(0, end);
    if (is_file && !S_ISREG(status.st_mode)) return fail(Errc::unavailable, "it is not a regular file");
    if (trust.strict && (folder == topmost || is_below(folder, topmost))) {
      if (const auto why = why_untrusted(status, trust)) {
        return fail(Errc::unavailable, is_file ? *why : fmt::format("its folder {} is not safe: {}", folder, *why));
      }
    }
    if (is_file) return at;
    const std::size_t next = std::min(path.find('/', end + 1), path.size());
    const std::string name = path.substr(end + 1, next - end - 1);
    end = next;
    // Non-blocking, for the case that it is a FIFO.
    const int flags = end == path.size() ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY;
    at = Descriptor(::openat(at.get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
  }
}

Result<std::string> read_all(int fd, std::size_t limit) {
  std::string text;
  char block[16 * 1024];
  for (;;) {
    const ssize_t count = ::read(fd, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Errc::unavailable, reason(errno));
    if (count == 0) return text;
    text.append(block, static_cast<std::size_t>(count));
    if (text.size() > limit) return fail(Errc::unavailable, fmt::format("it is larger than {} bytes", limit));
  }
}

}  // namespace

Result<std::string> read_trusted(const std::string& path, std::size_t limit, const FileTrust& trust) {
  std::optional<AccountRights> rights;
  if (trust.as_account && trust.account) {
    auto taken = AccountRights::take(*trust.account);
    if (!taken) return fail(taken.error());
    rights.emplace(std::move(*taken));
  }
  const auto resolved = real_path(path);
  if (!resolved) return fail(is_missing(errno) ? Errc::not_found : Errc::unavailable, reason(errno));
  const auto file = open_checked(*resolved, trust);
  if (!file) return fail(file.error());
  return read_all(file->get(), limit);
}

Result<> check_trusted_program(const std::string& path, const FileTrust& trust) {
  const auto resolved = real_path(path);
  if (!resolved) return fail(Errc::unavailable, reason(errno));
  FileTrust owned_by_us = trust;
  owned_by_us.account.reset();
  const auto file = open_checked(*resolved, owned_by_us);
  if (!file) return fail(Errc::unavailable, file.error().detail);
  return {};
}

}  // namespace sallyport::auth

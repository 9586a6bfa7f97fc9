#include "auth/authorized_keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "auth/key_line.hpp"
#include "config/names.hpp"

namespace sallyport::auth {
namespace {

/// One login must not fill the log.
constexpr std::size_t kMaxWarnings = 16;

std::string reason(int error) { return std::generic_category().message(error); }

void warn(KeySearch& search, std::string_view file, std::size_t line, std::string text) {
  if (search.warnings.size() < kMaxWarnings) search.warnings.push_back({std::string(file), line, std::move(text)});
}

/// As sshd's StrictModes: nobody but root and the daemon's user may be able to change it.
std::optional<std::string> why_untrusted(const struct stat& status) {
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) return "its owner is neither root nor the daemon's user";
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "its group or others may write it";
  return std::nullopt;
}

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

/// Errc::not_found when there is no such file, Errc::unavailable when it can't be read or trusted.
Result<std::string> read_trusted(const std::string& path, std::size_t limit) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (!real) return fail(errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::unavailable, reason(errno));
  const std::string resolved = real.get();
  // The folder is opened first and the file inside of it, so that what was checked is what is read.
  const std::size_t slash = resolved.rfind('/');
  const Descriptor folder(::open(slash == 0 ? "/" : resolved.substr(0, slash).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return fail(Errc::unavailable, reason(errno));
  struct stat status {};
  if (::fstat(folder.get(), &status) != 0) return fail(Errc::unavailable, reason(errno));
  if (const auto why = why_untrusted(status)) return fail(Errc::unavailable, "its folder is not safe: " + *why);
  // Non-blocking, for the case that it is a FIFO, and never through a link that has come since.
  const Descriptor file(::openat(folder.get(), resolved.c_str() + slash + 1, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (file.get() < 0) return fail(errno == ENOENT ? Errc::not_found : Errc::unavailable, reason(errno));
  if (::fstat(file.get(), &status) != 0) return fail(Errc::unavailable, reason(errno));
  if (!S_ISREG(status.st_mode)) return fail(Errc::unavailable, "it is not a regular file");
  if (const auto why = why_untrusted(status)) return fail(Errc::unavailable, *why);
  return read_all(file.get(), limit);
}

}  // namespace

KeySearch search_keys(std::string_view text, std::string_view file, const KeyQuery& query) {
  KeySearch search;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos || line[start] == '#') continue;
    if (line.size() > kMaxKeyLine || line.find('\0') != std::string_view::npos) {
      warn(search, file, number, "the line is too long or holds a NUL");
      continue;
    }
    const auto key = parse_key_line(line);
    if (!key) {
      warn(search, file, number, key.error().detail);
      continue;
    }
    if (key->blob != query.blob) continue;
    auto options = read_key_options(key->options, query);
    if (!options) {
      warn(search, file, number, options.error().detail);
      continue;
    }
    options->file = std::string(file);
    options->line = number;
    options->comment = std::string(key->comment);
    search.accepted = std::move(*options);
    break;
  }
  return search;
}

Result<KeySearch> find_key(const std::vector<std::string>& templates, std::size_t max_file_size, const KeyQuery& query) {
  if (!config::is_safe_user(query.user)) return fail(Errc::denied, "the user name is not safe in a path");
  KeySearch found;
  std::optional<Error> unavailable;
  for (const std::string& path_template : templates) {
    const auto path = config::expand(path_template, {{"user", query.user}});
    if (!path) return fail(Errc::unavailable, "a path of auth.authorized_keys has an unknown placeholder");
    const auto text = read_trusted(*path, max_file_size);
    if (!text) {
      if (text.error().code == Errc::not_found) continue;
      unavailable = Error{Errc::unavailable, fmt::format("{}: {}", *path, text.error().detail)};
      warn(found, *path, 0, text.error().detail);
      continue;
    }
    KeySearch search = search_keys(*text, *path, query);
    for (KeyWarning& warning : search.warnings) warn(found, warning.file, warning.line, std::move(warning.reason));
    if (!search.accepted) continue;
    found.accepted = std::move(search.accepted);
    return found;
  }
  if (unavailable) return fail(*unavailable);
  return found;
}

}  // namespace sallyport::auth

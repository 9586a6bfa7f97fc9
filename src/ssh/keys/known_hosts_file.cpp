#include "ssh/keys/known_hosts_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>

#include "net/loop/fd.hpp"
#include "ssh/keys/base64.hpp"
#include "ssh/keys/key_file.hpp"
#include "ssh/keys/known_hosts.hpp"
#include "wire/encoding.hpp"

namespace sallyport::ssh {
namespace {

constexpr std::chrono::milliseconds kLockLook{20};
constexpr int kLockLooks = 100;
constexpr mode_t kNewFileMode = 0644;  // as ssh(1) makes it: nothing in it is secret

Failure no_write(const std::string& path) { return fail(Errc::io, path + ": " + std::strerror(errno)); }

/// Where the file really is: what is replaced must not be a link to it.
std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real{::realpath(path.c_str(), nullptr), &std::free};
  return real ? std::string(real.get()) : path;
}

/// The file, made if need be, and locked until it is closed. Whoever replaces a file locks the one that is there first, so
/// that a lock on what has been replaced meanwhile is not worth anything.
Result<net::Fd> lock(const std::string& path) {
  for (int look = 0; look < kLockLooks; ++look) {
    net::Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kNewFileMode)};
    if (!fd) return no_write(path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      struct stat ours {};
      struct stat there {};
      const bool same = ::fstat(fd.get(), &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
                        ours.st_ino == there.st_ino;
      if (same) return fd;
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
      return no_write(path);
    }
    std::this_thread::sleep_for(kLockLook);
  }
  return fail(Errc::unavailable, path + ": locked by somebody else");
}

Result<> write_all(const net::Fd& fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return no_write(path);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(fd.get()) == 0 ? Result<>{} : Result<>(no_write(path));
}

/// Whoever reads it sees the old text or the new one.
Result<> replace(const std::string& path, const net::Fd& locked, std::string_view text) {
  struct stat status {};
  if (::fstat(locked.get(), &status) != 0) return no_write(path);
  std::string temporary = path + ".XXXXXX";
  const net::Fd fd{::mkostemp(temporary.data(), O_CLOEXEC)};
  if (!fd) return no_write(temporary);
  auto written = write_all(fd, text, temporary);
  // As root the file keeps its owner; others own what they make.
  static_cast<void>(::fchown(fd.get(), status.st_uid, status.st_gid) == 0);
  if (written && ::fchmod(fd.get(), status.st_mode & 07777) != 0) written = no_write(temporary);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) written = no_write(path);
  if (!written) static_cast<void>(::unlink(temporary.c_str()));
  return written;
}

std::string line_for(const KnownHosts& hosts, ByteView key) {
  wire::Reader reader(key);
  return hosts.name() + " " + std::string(reader.text()) + " " + base64_encode(key) + "\n";
}

std::string with_end(std::string text) {
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  return text;
}

std::string without_lines(std::string_view text, const std::vector<std::size_t>& lines) {
  std::string kept;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    if (std::find(lines.begin(), lines.end(), number) == lines.end()) kept += text.substr(0, end);
    text.remove_prefix(end);
  }
  return kept;
}

/// A file under its lock, with what it says of the host.
struct Opened {
  std::string path;
  net::Fd locked;
  std::string text;
  KnownHosts hosts;
};

Result<Opened> open(const std::string& name, const std::string& host, std::uint16_t port) {
  Opened opened{real_path(name), {}, {}, KnownHosts{host, port}};
  auto locked = lock(opened.path);
  if (!locked) return fail(locked.error());
  opened.locked = std::move(*locked);
  auto text = read_file(opened.path, KnownHosts::kMaxFileSize);
  if (!text) return fail(text.error());
  opened.text = std::move(*text);
  opened.hosts.read(opened.text);
  return opened;
}

}  // namespace

Result<> add_first_host_key(const std::string& path, const std::string& host, std::uint16_t port, ByteView key) {
  auto file = open(path, host, port);
  if (!file) return fail(file.error());
  switch (file->hosts.judge(key)) {
    case HostKeyVerdict::known: return {};  // somebody else has just done the same
    case HostKeyVerdict::unknown: break;
    default: return fail(Errc::host_key, path + ": another key of the host has just been written there");
  }
  return replace(file->path, file->locked, with_end(file->text) + line_for(file->hosts, key));
}

Result<KnownHostsChange> set_host_keys(const std::string& path, const std::string& host, std::uint16_t port,
                                       const std::vector<Bytes>& keys) {
  auto file = open(path, host, port);
  if (!file) return fail(file.error());
  const auto is_known = [&](const Bytes& key) { return file->hosts.judge(key) == HostKeyVerdict::known; };
  KnownHostsChange change;
  if (!file->hosts.listed_by_name() || std::none_of(keys.begin(), keys.end(), is_known)) return change;
  const std::vector<std::size_t> gone = file->hosts.lines_without(keys);
  std::string text = with_end(without_lines(file->text, gone));
  change.removed = gone.size();
  for (const Bytes& key : keys) {
    if (is_known(key) || file->hosts.judge(key) == HostKeyVerdict::revoked) continue;
    text += line_for(file->hosts, key);
    ++change.added;
  }
  if (change.added == 0 && change.removed == 0) return change;
  if (auto written = replace(file->path, file->locked, text); !written) return fail(written.error());
  return change;
}

}  // namespace sallyport::ssh

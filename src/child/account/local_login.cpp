#include "child/account/local_login.hpp"

#include <fcntl.h>
#include <grp.h>
#include <shadow.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <string_view>
#include <utility>

#include "match/names.hpp"
#include "net/loop/error.hpp"
#include "net/loop/fd.hpp"

namespace sallyport::child {
namespace {

constexpr std::size_t kMaxNologinText = 4096;
constexpr std::size_t kLargestEntry = 1024 * 1024;
constexpr long kSecondsOfDay = 24 * 60 * 60;

/// Days since 1970, as the shadow file counts them.
long today() { return static_cast<long>(std::time(nullptr)) / kSecondsOfDay; }

/// Only root can know.
bool has_expired(const std::string& name) {
  std::vector<char> buffer(1024);
  spwd entry{};
  spwd* found = nullptr;
  int rc = 0;
  while ((rc = getspnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) == ERANGE && buffer.size() < kLargestEntry)
    buffer.resize(buffer.size() * 2);
  return rc == 0 && found != nullptr && found->sp_expire >= 0 && today() > found->sp_expire;
}

Result<> check_shell(const std::string& shell) {
  struct stat status {};
  if (stat(shell.c_str(), &status) != 0) return fail(Errc::denied, "its shell " + shell + " is not there");
  if (!S_ISREG(status.st_mode) || (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
    return fail(Errc::denied, "its shell " + shell + " can't be executed");
  return {};
}

/// A file that is there and can't be read keeps out as well.
Result<> check_nologin(const std::string& path) {
  const net::Fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return {};
  std::string text(kMaxNologinText, '\0');
  const ssize_t count = file ? read(file.get(), text.data(), text.size()) : 0;
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return fail(Errc::unavailable, path + " is there: " + text);
}

constexpr std::array<std::pair<std::string_view, decltype(RLIMIT_CPU)>, 14> kResources{{{"as", RLIMIT_AS},
                                                                                        {"core", RLIMIT_CORE},
                                                                                        {"cpu", RLIMIT_CPU},
                                                                                        {"data", RLIMIT_DATA},
                                                                                        {"fsize", RLIMIT_FSIZE},
                                                                                        {"locks", RLIMIT_LOCKS},
                                                                                        {"memlock", RLIMIT_MEMLOCK},
                                                                                        {"msgqueue", RLIMIT_MSGQUEUE},
                                                                                        {"nice", RLIMIT_NICE},
                                                                                        {"nofile", RLIMIT_NOFILE},
                                                                                        {"nproc", RLIMIT_NPROC},
                                                                                        {"rss", RLIMIT_RSS},
                                                                                        {"rtprio", RLIMIT_RTPRIO},
                                                                                        {"stack", RLIMIT_STACK}}};

}  // namespace

Result<> check_account(const Account& account, const LocalLogin& login, const std::string& nologin_file) {
  const auto refuse = [&account](const std::string& why) { return fail(Errc::denied, "account " + account.name + ": " + why); };
  if (!config::is_permitted_account(login.permit_accounts, account.name, account.uid == 0))
    return refuse("not in permit_accounts" + std::string(account.uid == 0 ? ", which must name root for it" : ""));
  if (account.uid != 0) {
    if (auto open = check_nologin(nologin_file); !open) return open;
  }
  if (!account.other) return {};
  if (has_expired(account.name)) return refuse("it has expired");
  if (!login.chroot.empty()) return {};
  if (auto shell = check_shell(account.shell); !shell) return refuse(shell.error().detail);
  return {};
}

Result<std::string> chroot_of(const LocalLogin& login, const Account& account) {
  const auto path = config::expand(login.chroot, {{"home", account.home}});
  if (!path || path->empty() || path->front() != '/') return fail(Errc::config, "chroot: not an absolute path: " + login.chroot);
  if (geteuid() != 0) return fail(Errc::config, "chroot: only a daemon that runs as root can do that");
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path->find('/', end + 1);
    const std::string part = end == 0 ? "/" : path->substr(0, end);
    struct stat status {};
    if (stat(part.c_str(), &status) != 0) return fail(Errc::config, "chroot: " + net::from_errno(errno, part).detail);
    if (!S_ISDIR(status.st_mode)) return fail(Errc::config, "chroot: " + part + " is not a folder");
    if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
      return fail(Errc::config, "chroot: " + part + " must be owned by root, and nobody else may write there");
  }
  return *path;
}

Result<> add_groups(Account& account, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  if (geteuid() != 0) return fail(Errc::config, "groups: only a daemon that runs as root can set them");
  for (const std::string& name : names) {
    std::vector<char> buffer(1024);
    group entry{};
    group* found = nullptr;
    int rc = 0;
    while ((rc = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
           buffer.size() < kLargestEntry)
      buffer.resize(buffer.size() * 2);
    if (found == nullptr) return fail(Errc::not_found, "groups: no group " + name);
    if (std::find(account.groups.begin(), account.groups.end(), found->gr_gid) == account.groups.end())
      account.groups.push_back(found->gr_gid);
  }
  return {};
}

Result<std::vector<ResourceLimit>> resource_limits(const std::map<std::string, std::string>& limits) {
  std::vector<ResourceLimit> out;
  for (const auto& [name, text] : limits) {
    const auto known =
        std::find_if(kResources.begin(), kResources.end(), [&name = name](const auto& one) { return one.first == name; });
    if (known == kResources.end()) return fail(Errc::config, "limits: no limit is called " + name);
    rlim_t value = RLIM_INFINITY;
    if (text != "unlimited") {
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) return fail(Errc::config, "limits: not a number: " + text);
    }
    out.push_back({known->second, {value, value}});
  }
  return out;
}

Result<Confinement> confine(const LocalLogin& login, Account& account) {
  Confinement out;
  if (auto checked = check_account(account, login); !checked) return fail(std::move(checked.error()));
  if (!login.groups.empty()) {
    if (!account.other && !fill_groups(account)) return fail(Errc::unavailable, "too many groups: " + account.name);
    if (auto added = add_groups(account, login.groups); !added) return fail(std::move(added.error()));
    out.sets_groups = true;
  }
  auto limits = resource_limits(login.limits);
  if (!limits) return fail(std::move(limits.error()));
  out.limits = std::move(*limits);
  if (!login.chroot.empty()) {
    auto root = chroot_of(login, account);
    if (!root) return fail(std::move(root.error()));
    out.root = std::move(*root);
  }
  if (login.umask) out.mask = static_cast<mode_t>(*login.umask);
  out.no_new_privs = login.no_new_privs;
  return out;
}

}  // namespace sallyport::child

#include "child/account/account.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "net/loop/error.hpp"

namespace sallyport::child {
namespace {

// Bounds on what a broken database can make us allocate.
constexpr std::size_t kLargestEntry = 1024 * 1024;
constexpr int kMostGroups = 65536;

using Query = std::function<int(passwd* entry, char* buffer, std::size_t size, passwd** found)>;

// A found entry, an account without a name when there is none, or an error.
Result<Account> ask(const Query& query, const std::string& what) {
  std::vector<char> buffer(1024);
  passwd entry{};
  passwd* found = nullptr;
  int rc = 0;
  while ((rc = query(&entry, buffer.data(), buffer.size(), &found)) == ERANGE && buffer.size() < kLargestEntry) {
    buffer.resize(buffer.size() * 2);
  }
  // Several name services report an unknown name by one of these.
  const bool unknown = rc == ENOENT || rc == ESRCH || rc == EBADF || rc == EPERM;
  if (rc != 0 && !unknown) return fail(Errc::unavailable, net::from_errno(rc, "look up " + what).detail);
  if (unknown || found == nullptr) return Account{};
  Account account;
  account.name = found->pw_name;
  account.home = found->pw_dir;
  account.shell = found->pw_shell;
  account.uid = found->pw_uid;
  account.gid = found->pw_gid;
  return account;
}

Result<Account> own_account() {
  const uid_t uid = geteuid();
  auto account = ask([uid](passwd* entry, char* buffer, std::size_t size,
                           passwd** found) { return getpwuid_r(uid, entry, buffer, size, found); },
                     "user id " + std::to_string(uid));
  if (!account) return account;
  if (account->name.empty()) {  // a container's arbitrary user id
    account->name = std::to_string(uid);
    account->home = "/";
    account->uid = uid;
    account->gid = getegid();
  }
  return account;
}

}  // namespace

bool fill_groups(Account& account) {
  int count = 32;
  for (;;) {
    account.groups.resize(static_cast<std::size_t>(count));
    const int room = count;
    if (getgrouplist(account.name.c_str(), account.gid, account.groups.data(), &count) >= 0) break;
    if (count <= room) count = room * 2;  // it should say how many there are, and not all libraries do
    if (count > kMostGroups) return false;
  }
  account.groups.resize(static_cast<std::size_t>(count));
  return true;
}

Result<Account> find_account(const std::string& name) {
  auto account = ask([&name](passwd* entry, char* buffer, std::size_t size,
                             passwd** found) { return getpwnam_r(name.c_str(), entry, buffer, size, found); },
                     "user " + name);
  if (account && account->name.empty()) return fail(Errc::not_found, "no local user " + name);
  return account;
}

Result<Account> look_up_account(const std::string& name) {
  auto account = name.empty() ? own_account() : find_account(name);
  if (!account) return account;
  if (account->shell.empty()) account->shell = "/bin/sh";
  account->other = account->uid != geteuid();
  if (!account->other) return account;
  if (geteuid() != 0) return fail(Errc::denied, "only root may start programs as another user: " + name);
  if (!fill_groups(*account)) return fail(Errc::unavailable, "too many groups: " + name);
  return account;
}

}  // namespace sallyport::child

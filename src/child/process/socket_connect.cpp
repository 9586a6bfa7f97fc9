#include "child/process/socket_connect.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "child/account/local_login.hpp"
#include "child/process/beside.hpp"
#include "net/loop/error.hpp"

namespace sallyport::child {
namespace {

/// Where the child has the socket, behind its report.
constexpr int kSocketFd = kReportFd + 1;

struct FileId {
  dev_t device;
  ino_t inode;
};

struct ConnectPlan {
  int socket;
  int highest_fd;
  const char* root;          ///< where the path begins
  const char* const* names;  ///< of the path, the last one the socket's; a null behind them
  const FileId* own;
  std::size_t own_count;
  bool change_user;
  Identity who;
};

SALLYPORT_BESIDE void look(int fd, struct stat& status, int report) {
  if (fd < 0 || fstat(fd, &status) != 0) fail_beside(report, ChildStep::path, errno);
  if (S_ISLNK(status.st_mode)) fail_beside(report, ChildStep::path, ELOOP);
}

/// The name of what an O_PATH descriptor stands for, which connect(2) wants.
SALLYPORT_BESIDE void name_descriptor(int fd, char* text) {
  for (const char* prefix = "/proc/self/fd/"; *prefix != '\0';) *text++ = *prefix++;
  int divisor = 1;
  while (fd / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) *text++ = static_cast<char>('0' + fd / divisor % 10);
  *text = '\0';
}

/// Connects the socket, which is the parent's too.
SALLYPORT_BESIDE void connect_beside(const void* argument, int report_pipe) {
  const ConnectPlan& plan = *static_cast<const ConnectPlan*>(argument);
  // Both are above these numbers, the report's first.
  if (dup3(report_pipe, kReportFd, O_CLOEXEC) < 0) end_beside(127);
  if (plan.socket != kSocketFd && dup3(plan.socket, kSocketFd, O_CLOEXEC) < 0) fail_beside(kReportFd, ChildStep::stdio, errno);
  // Before anything that may be slow: another child's report ends with the last descriptor that holds its pipe.
  close_from(kSocketFd + 1, plan.highest_fd);
  reset_handlers();
  auto at = static_cast<int>(syscall(SYS_openat, AT_FDCWD, plan.root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (at < 0) fail_beside(kReportFd, ChildStep::root, errno);
  if (plan.change_user) take_identity(plan.who, kReportFd);
  struct stat status {};
  for (const char* const* name = plan.names; *name != nullptr; ++name) {
    const auto next = static_cast<int>(syscall(SYS_openat, at, *name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    look(next, status, kReportFd);
    syscall(SYS_close, at);
    at = next;
  }
  if (!S_ISSOCK(status.st_mode)) fail_beside(kReportFd, ChildStep::path, ENOTSOCK);
  for (std::size_t i = 0; i < plan.own_count; ++i)
    if (plan.own[i].device == status.st_dev && plan.own[i].inode == status.st_ino) fail_beside(kReportFd, ChildStep::own, EPERM);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name_descriptor(at, address.sun_path);
  if (syscall(SYS_connect, kSocketFd, &address, sizeof address) != 0) fail_beside(kReportFd, ChildStep::connect, errno);
  end_beside(0);
}

std::vector<FileId> ids_of(const std::vector<std::string>& paths) {
  std::vector<FileId> ids;
  for (const std::string& path : paths) {
    struct stat status {};
    if (stat(path.c_str(), &status) == 0) ids.push_back({status.st_dev, status.st_ino});
  }
  return ids;
}

Result<std::vector<std::string>> names_in(const std::string& path) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty() || name == ".") continue;
    if (name == ".." || name.find('\0') != std::string::npos) return fail(Errc::denied, "connect to " + path + ": no plain path");
    names.push_back(std::move(name));
  }
  if (path.empty() || path.front() != '/' || names.empty())
    return fail(Errc::denied, "connect to " + path + ": no absolute path");
  return names;
}

/// Whether this very process listens at the other end.
bool leads_to_us(const net::Fd& fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  return getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid == getpid();
}

}  // namespace

Result<net::LocalSocket> connect_socket(const std::string& path, const std::optional<SocketAccount>& wanted,
                                        const std::vector<std::string>& own, Duration limit) {
  if (!wanted && geteuid() == 0)
    return fail(Errc::denied, "connect to " + path + ": as whom? Only a target of kind \"local\" has an account for it");
  auto names = names_in(path);
  if (!names) return fail(std::move(names.error()));
  auto account = look_up_account(wanted ? wanted->user : std::string());
  if (!account) return fail(std::move(account.error()));
  auto confinement = wanted ? confine(wanted->login, *account) : Result<Confinement>(Confinement{});
  if (!confinement) return fail(std::move(confinement.error()));

  net::LocalSocket made{net::Fd{socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)}, std::nullopt};
  if (!made.fd) return fail(net::from_errno(errno, "socket for " + path));
  if (auto moved = above_stdio(made.fd); !moved) return fail(std::move(moved.error()));
  std::vector<const char*> pointers;
  for (const std::string& name : *names) pointers.push_back(name.c_str());
  pointers.push_back(nullptr);
  const std::vector<FileId> own_ids = ids_of(own);

  ConnectPlan plan{};
  plan.socket = made.fd.get();
  plan.highest_fd = highest_descriptor();
  plan.root = confinement->root.empty() ? "/" : confinement->root.c_str();
  plan.names = pointers.data();
  plan.own = own_ids.data();
  plan.own_count = own_ids.size();
  plan.change_user = account->other || confinement->sets_groups;
  plan.who = {account->uid, account->gid, account->groups.data(), account->groups.size()};
  if (auto done = finish_beside(connect_beside, &plan, path, limit); !done) return fail(std::move(done.error()));
  if (leads_to_us(made.fd)) return fail(Errc::denied, "connect to " + path + ": it is the daemon's own");
  // What we send is sent by us, and not by the child that has connected.
  if (account->other) made.sender = ucred{getpid(), account->uid, account->gid};
  return made;
}

}  // namespace sallyport::child

#include "child/process/socket_connect.hpp"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "child/account/account.hpp"
#include "net/sockets/lingering.hpp"

namespace sallyport::child {
namespace {

using net::Fd;

constexpr Duration kLimit = std::chrono::seconds(60);

/// Listens in a process of its own, so that it isn't one of ours, and answers with what it knows of its client: "uid
/// gid", by the connection's credentials and by those of the first message. A client that it is to have: one.
class Listener {
 public:
  explicit Listener(const std::string& path, mode_t mode = 0666) {
    Fd listening{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << path;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    const Fd ours{ready[0]};
    const Fd theirs{ready[1]};
    pid_ = fork();
    if (pid_ == 0) serve(listening.get(), theirs.get());
    char byte = 0;
    EXPECT_EQ(read(ours.get(), &byte, 1), 1);
  }
  ~Listener() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  [[noreturn]] static void serve(int fd, int ready) {
    const int on = 1;
    const bool listens =
        listen(fd, 5) == 0 && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 && write(ready, "", 1) == 1;
    while (listens) {
      const Fd client{accept(fd, nullptr, nullptr)};
      ucred peer{};
      socklen_t length = sizeof peer;
      getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length);
      char byte = 0;
      iovec data{&byte, 1};
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
      msghdr message{};
      message.msg_iov = &data;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      ucred sender{};
      if (recvmsg(client.get(), &message, 0) == 1 && CMSG_FIRSTHDR(&message) != nullptr)
        std::memcpy(&sender, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof sender);
      const std::string seen = std::to_string(peer.uid) + " " + std::to_string(peer.gid) + " " + std::to_string(sender.uid) +
                               " " + std::to_string(sender.gid);
      static_cast<void>(send(client.get(), seen.data(), seen.size(), MSG_NOSIGNAL));
    }
    _exit(1);
  }

  pid_t pid_ = -1;
};

std::string text_of(uid_t uid, gid_t gid) { return std::to_string(uid) + " " + std::to_string(gid); }

class SocketConnectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sallyport-sockets.XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = std::filesystem::canonical(name);
    ASSERT_EQ(chmod(folder_.c_str(), 0755), 0);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  /// An account that exists everywhere; without root, one's own.
  static std::optional<SocketAccount> account() {
    if (geteuid() != 0) return std::nullopt;
    return as("nobody", "*");
  }
  static std::optional<SocketAccount> root() { return as("", "root"); }
  static SocketAccount as(const std::string& user, const std::string& permitted) {
    SocketAccount account;
    account.user = user;
    account.login.permit_accounts = {permitted};
    return account;
  }

  static std::string seen_by(const net::LocalSocket& made) {
    EXPECT_EQ(net::send_some(made.fd.get(), "x", 1, made.sender), 1);
    fcntl(made.fd.get(), F_SETFL, 0);
    char text[64];
    const ssize_t count = read(made.fd.get(), text, sizeof text);
    return {text, count > 0 ? static_cast<std::size_t>(count) : 0};
  }
  static Errc refusal(const Result<net::LocalSocket>& outcome) {
    EXPECT_FALSE(outcome);
    return outcome ? Errc::closed : outcome.error().code;
  }

  std::string folder_;
};

TEST_F(SocketConnectTest, TheListenerSeesTheAccount) {
  const Listener listener(path("open.sock"));
  auto made = connect_socket(path("open.sock"), account(), {}, kLimit);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(fcntl(made->fd.get(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  EXPECT_EQ(fcntl(made->fd.get(), F_GETFD), FD_CLOEXEC);
  const auto who = look_up_account(geteuid() == 0 ? "nobody" : "");
  EXPECT_EQ(seen_by(*made), text_of(who->uid, who->gid) + " " + text_of(who->uid, who->gid));
}

TEST_F(SocketConnectTest, SpellingsOfThePath) {
  const Listener listener(path("open.sock"));
  for (const std::string& spelling : {"//" + path("open.sock"), folder_ + "/./open.sock", folder_ + "///open.sock"})
    EXPECT_TRUE(connect_socket(spelling, account(), {}, kLimit)) << spelling;
  for (const std::string& spelling : {std::string(), std::string("/"), std::string("open.sock"), folder_ + "/x/../open.sock"})
    EXPECT_EQ(refusal(connect_socket(spelling, account(), {}, kLimit)), Errc::denied) << spelling;
  EXPECT_EQ(refusal(connect_socket(path("none.sock"), account(), {}, kLimit)), Errc::not_found);
  EXPECT_EQ(refusal(connect_socket("/etc/passwd", account(), {}, kLimit)), Errc::io);
  EXPECT_EQ(refusal(connect_socket("/dev/null", account(), {}, kLimit)), Errc::io);
  EXPECT_EQ(refusal(connect_socket(folder_, account(), {}, kLimit)), Errc::io);
}

TEST_F(SocketConnectTest, NoLinkAnywhereInThePath) {
  std::filesystem::create_directory(path("real"));
  const Listener listener(path("real/open.sock"));
  ASSERT_TRUE(connect_socket(path("real/open.sock"), account(), {}, kLimit));
  ASSERT_EQ(symlink("real/open.sock", path("link.sock").c_str()), 0);
  ASSERT_EQ(symlink("real", path("folder").c_str()), 0);
  ASSERT_EQ(symlink("/proc/self/fd/0", path("magic").c_str()), 0);
  for (const std::string& name : {path("link.sock"), path("folder/open.sock"), path("magic"), std::string("/proc/self/fd/3")}) {
    EXPECT_FALSE(connect_socket(name, account(), {}, kLimit)) << name;
    if (geteuid() == 0) {
      EXPECT_FALSE(connect_socket(name, root(), {}, kLimit)) << name;
    }
  }
}

TEST_F(SocketConnectTest, WhatTheAccountMayNotReachIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root has an account to change to";
  const Listener closed(path("closed.sock"), 0600);
  std::filesystem::create_directory(path("private"));
  ASSERT_EQ(chmod(path("private").c_str(), 0700), 0);
  const Listener hidden(path("private/open.sock"));
  for (const char* name : {"closed.sock", "private/open.sock"}) {
    EXPECT_FALSE(connect_socket(path(name), account(), {}, kLimit)) << name;
    // Root's rights are had by who has been given them letter by letter.
    auto made = connect_socket(path(name), root(), {}, kLimit);
    ASSERT_TRUE(made) << name << made.error().detail;
    EXPECT_EQ(seen_by(*made), "0 0 0 0");
  }
}

TEST_F(SocketConnectTest, RootMustBeNamed) {
  if (geteuid() != 0) GTEST_SKIP() << "it is about root";
  const Listener listener(path("open.sock"));
  EXPECT_EQ(refusal(connect_socket(path("open.sock"), std::nullopt, {}, kLimit)), Errc::denied);
  for (const char* user : {"", "root"})
    EXPECT_EQ(refusal(connect_socket(path("open.sock"), as(user, "*"), {}, kLimit)), Errc::denied);
  EXPECT_EQ(refusal(connect_socket(path("open.sock"), as("nobody", "daemon"), {}, kLimit)), Errc::denied);
  EXPECT_FALSE(connect_socket(path("open.sock"), as("no-such-user", "*"), {}, kLimit));
}

TEST_F(SocketConnectTest, FurtherGroupsCount) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may set groups";
  const Listener listener(path("group.sock"), 0660);
  ASSERT_EQ(chown(path("group.sock").c_str(), 0, getpwnam("daemon")->pw_gid), 0);
  EXPECT_FALSE(connect_socket(path("group.sock"), account(), {}, kLimit));
  SocketAccount more = as("nobody", "*");
  more.login.groups = {"daemon"};
  EXPECT_TRUE(connect_socket(path("group.sock"), more, {}, kLimit));
}

TEST_F(SocketConnectTest, AChrootIsWhereThePathBegins) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may do that";
  // Below a folder that is root's alone, unlike /tmp.
  char name[] = "/root/sallyport-jail.XXXXXX";
  if (mkdtemp(name) == nullptr) GTEST_SKIP() << "/root can't be written";
  const std::string jail = name;
  ASSERT_EQ(chmod(name, 0755), 0);
  {
    const Listener inside(jail + "/in.sock");
    const Listener outside(path("out.sock"));
    SocketAccount confined = as("nobody", "*");
    confined.login.chroot = jail;
    const auto made = connect_socket("/in.sock", confined, {}, kLimit);
    EXPECT_TRUE(made) << made.error().detail;
    EXPECT_EQ(refusal(connect_socket(path("out.sock"), confined, {}, kLimit)), Errc::not_found);
  }
  std::filesystem::remove_all(jail);
}

TEST_F(SocketConnectTest, OwnSocketsAreNoDestinationsByWhateverName) {
  const Listener listener(path("control.sock"));
  ASSERT_EQ(link(path("control.sock").c_str(), path("other.sock").c_str()), 0);
  for (const char* name : {"control.sock", "other.sock"}) {
    ASSERT_TRUE(connect_socket(path(name), account(), {}, kLimit)) << name;
    EXPECT_EQ(refusal(connect_socket(path(name), account(), {path("none"), path("control.sock")}, kLimit)), Errc::denied) << name;
    if (geteuid() == 0) {
      EXPECT_EQ(refusal(connect_socket(path(name), root(), {path("control.sock")}, kLimit)), Errc::denied) << name;
    }
  }
}

TEST_F(SocketConnectTest, NorIsWhatThisProcessListensAt) {
  const Fd listening{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path("ours.sock").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(chmod(path("ours.sock").c_str(), 0666), 0);
  EXPECT_EQ(refusal(connect_socket(path("ours.sock"), account(), {}, kLimit)), Errc::refused);
  ASSERT_EQ(listen(listening.get(), 5), 0);
  EXPECT_EQ(refusal(connect_socket(path("ours.sock"), account(), {}, kLimit)), Errc::denied);
}

// Whoever turns the path elsewhere while it is being looked at gets what he could have had anyway, or nothing.
TEST_F(SocketConnectTest, APathThatChangesAllTheTime) {
  if (geteuid() != 0) GTEST_SKIP() << "only root has an account to change to";
  const Listener secret(path("secret.sock"), 0600);
  const Listener open(path("open.sock"));
  const pid_t turner = fork();
  if (turner == 0) {
    for (;;) {
      static_cast<void>(!symlink("secret.sock", path("new").c_str()));
      rename(path("new").c_str(), path("turning.sock").c_str());
      static_cast<void>(!link(path("open.sock").c_str(), path("new").c_str()));
      rename(path("new").c_str(), path("turning.sock").c_str());
    }
  }
  const auto nobody = getpwnam("nobody");
  const std::string as_nobody = text_of(nobody->pw_uid, nobody->pw_gid);
  for (int i = 0; i < 100; ++i) {
    const auto made = connect_socket(path("turning.sock"), account(), {path("secret.sock")}, kLimit);
    if (made) {
      EXPECT_EQ(seen_by(*made), as_nobody + " " + as_nobody);
    }
  }
  kill(turner, SIGKILL);
  waitpid(turner, nullptr, 0);
}

}  // namespace
}  // namespace sallyport::child

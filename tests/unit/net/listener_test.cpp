#include "net/sockets/listener.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fakes/loop_fixture.hpp"

namespace sallyport::net {
namespace {

namespace fs = std::filesystem;

// A blocking client: on loopback the kernel completes the handshake without the listener's help.
Fd client_of(const SocketAddress& address) {
  Fd fd{socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (connect(fd.get(), address.get(), address.length()) != 0) return Fd{};
  return fd;
}

class ListenerTest : public test::LoopTest {
 protected:
  void TearDown() override {
    fs::remove_all(folder_);
    LoopTest::TearDown();
  }
  static fs::path make_folder() {
    std::string pattern = (fs::temp_directory_path() / "sallyport-net-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    return pattern;
  }
  const fs::path folder_ = make_folder();
  const std::string socket_path_ = (folder_ / "socket").string();
};

TEST_F(ListenerTest, HandsOutPrivateNonBlockingDescriptors) {
  for (const char* text : {"127.0.0.1:0", "[::1]:0"}) {
    std::optional<SocketAddress> peer;
    int flags = 0;
    int descriptor_flags = 0;
    auto listener = Listener::open(loop_, text,
                                   {[&](Fd fd, const SocketAddress& from) {
                                      peer = from;
                                      flags = fcntl(fd.get(), F_GETFL);
                                      descriptor_flags = fcntl(fd.get(), F_GETFD);
                                    },
                                    nullptr});
    if (!listener && text[0] == '[') continue;  // a machine without IPv6
    ASSERT_TRUE(listener) << listener.error().detail;
    EXPECT_NE((*listener)->address().port(), 0);
    const Fd client = client_of((*listener)->address());
    ASSERT_TRUE(client);
    ASSERT_TRUE(run_until([&] { return peer.has_value(); }));
    EXPECT_EQ(peer->text(), SocketAddress::local_of(client.get())->text());
    EXPECT_NE(flags & O_NONBLOCK, 0);
    EXPECT_NE(descriptor_flags & FD_CLOEXEC, 0);
  }
}

TEST_F(ListenerTest, ReportsABusyPort) {
  auto first = Listener::open(loop_, "127.0.0.1:0", {[](Fd, const SocketAddress&) {}, nullptr});
  ASSERT_TRUE(first);
  auto second = Listener::open(loop_, (*first)->address().text(), {[](Fd, const SocketAddress&) {}, nullptr});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::io);
}

TEST_F(ListenerTest, MayBeDestroyedByItsOwnConnection) {
  std::unique_ptr<Listener> listener;
  int connections = 0;
  auto opened = Listener::open(loop_, "127.0.0.1:0",
                               {[&](Fd, const SocketAddress&) {
                                  ++connections;
                                  listener.reset();
                                },
                                nullptr});
  ASSERT_TRUE(opened);
  listener = std::move(*opened);
  const Fd one = client_of(listener->address());
  const Fd two = client_of(listener->address());
  EXPECT_TRUE(run_until([&] { return connections > 0; }));
  loop_.run_dry();
  EXPECT_EQ(connections, 1);
}

TEST_F(ListenerTest, SurvivesRunningOutOfDescriptors) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<Fd> taken;
  // Taken and given back inside the loop: UBSan needs descriptors of its own whenever it looks at an object's type.
  const auto take_all = [&] {
    const rlimit tight{64, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &tight);
    for (Fd fd{dup(0)}; fd; fd = Fd{dup(0)}) taken.push_back(std::move(fd));
  };
  const auto give_back = [&] {
    taken.clear();
    setrlimit(RLIMIT_NOFILE, &before);
  };
  int connections = 0;
  int before_trouble_ended = 0;
  int troubles = 0;
  auto listener = Listener::open(loop_, "127.0.0.1:0",
                                 {[&](Fd, const SocketAddress&) { ++connections; },
                                  [&](const Error&) {
                                    if (++troubles < 2) return;  // it must try again after a rest
                                    before_trouble_ended = connections;
                                    give_back();
                                  }});
  ASSERT_TRUE(listener);
  const Fd client = client_of((*listener)->address());
  ASSERT_TRUE(client);
  bool began = false;
  EXPECT_TRUE(run_until([&] {
    if (!std::exchange(began, true)) take_all();
    return connections == 1;
  })) << "the connection should have waited";
  give_back();
  EXPECT_EQ(troubles, 2);
  EXPECT_EQ(before_trouble_ended, 0);
}

TEST_F(ListenerTest, UnixSocketIsPrivateAndKnowsItsPeer) {
  std::optional<PeerCredentials> peer;
  auto listener = UnixListener::open(loop_, socket_path_, {[&](Fd, const PeerCredentials& who) { peer = who; }, nullptr});
  ASSERT_TRUE(listener) << listener.error().detail;
  EXPECT_EQ(fs::status(socket_path_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const auto client = connect_unix(socket_path_);
  ASSERT_TRUE(client);
  ASSERT_TRUE(run_until([&] { return peer.has_value(); }));
  EXPECT_EQ(peer->uid, getuid());
  EXPECT_EQ(peer->gid, getgid());
  EXPECT_EQ(peer->pid, getpid());
  listener->reset();
  EXPECT_FALSE(fs::exists(socket_path_));
}

TEST_F(ListenerTest, UnixSocketReplacesAStaleOneOnly) {
  const UnixListener::Handlers nobody{[](Fd, const PeerCredentials&) {}, nullptr};
  auto first = UnixListener::open(loop_, socket_path_, nobody);
  ASSERT_TRUE(first);
  EXPECT_FALSE(UnixListener::open(loop_, socket_path_, nobody)) << "took over a live socket";
  // A stale one is what a killed process leaves: a link keeps the file when the listener removes its own name.
  fs::create_hard_link(socket_path_, folder_ / "stale");
  first->reset();
  auto second = UnixListener::open(loop_, (folder_ / "stale").string(), nobody);
  EXPECT_TRUE(second);
  std::ofstream{folder_ / "file"} << "precious";
  EXPECT_FALSE(UnixListener::open(loop_, (folder_ / "file").string(), nobody));
  EXPECT_TRUE(fs::exists(folder_ / "file"));
}

TEST_F(ListenerTest, ConnectUnixSaysWhatIsWrong) {
  EXPECT_EQ(connect_unix(socket_path_).error().code, Errc::not_found);
  EXPECT_EQ(connect_unix(std::string(200, 'x')).error().code, Errc::config);
}

}  // namespace
}  // namespace sallyport::net

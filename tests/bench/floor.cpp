// The least that a relay can cost on this machine: packets come from one process over loopback TCP, are opened, sealed
// and written on to another. No SSH, no event loop, no flow control.
//
//   floor CIPHER [MIB]        CIPHER: aes128-gcm or chacha20
//
// Prints JSON: the relay's CPU seconds for a GiB of data in all, of the same work without sockets, and without ciphers.
// aes128-gcm is what SSH does. chacha20 is the AEAD of RFC 8439: SSH's own also encrypts the length, 4 bytes of 32 KiB.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace {

// RFC 4253 section 6, with the 32 KiB of data that OpenSSH puts into a CHANNEL_DATA: the length is authenticated, the
// payload with its padding also encrypted, the tag stands behind.
constexpr std::size_t kData = 32768;
constexpr std::size_t kLength = 4;
constexpr std::size_t kEncrypted = 32784;  // 1 byte of padding length, 9 of the message, the data, 6 of padding
constexpr std::size_t kTag = 16;
constexpr std::size_t kPacket = kLength + kEncrypted + kTag;
// Fewer packets cost more calls (a quarter more with one), and more of them save next to nothing.
constexpr std::size_t kBuffer = 8 * kPacket;

using Buffer = std::vector<unsigned char>;

[[noreturn]] void die(const char* doing) {
  std::fprintf(stderr, "floor: %s: %s\n", doing, std::strerror(errno));
  std::exit(1);
}

void require(bool good, const char* doing) {
  if (!good) die(doing);
}

/// A descriptor that is closed with its owner.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) { require(fd >= 0, "socket"); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() { close(); }

  int fd() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  /// Reads what there is, `size` at most; 0 at the end.
  std::size_t read(unsigned char* to, std::size_t size) const {
    const ssize_t got = ::read(fd_, to, size);
    require(got >= 0, "read");
    return static_cast<std::size_t>(got);
  }

  void write_all(const unsigned char* from, std::size_t size) const {
    while (size > 0) {
      const ssize_t taken = ::write(fd_, from, size);
      require(taken > 0, "write");
      from += taken;
      size -= static_cast<std::size_t>(taken);
    }
  }

 private:
  int fd_;
};

/// The two ends of a TCP connection on the loopback.
std::pair<Socket, Socket> connection() {
  Socket listener(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  require(bind(listener.fd(), generic, length) == 0 && listen(listener.fd(), 1) == 0 &&
              getsockname(listener.fd(), generic, &length) == 0,
          "listen");
  Socket near(socket(AF_INET, SOCK_STREAM, 0));
  require(connect(near.fd(), generic, length) == 0, "connect");
  Socket far(accept(listener.fd(), nullptr, nullptr));
  const int on = 1;
  for (const Socket* end : {&near, &far}) {
    require(setsockopt(end->fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "set TCP_NODELAY");
  }
  return {std::move(near), std::move(far)};
}

/// Opens or seals packets in place. Every packet has the same nonce, which is set anew as SSH must: then what is opened
/// and sealed again is the packet that it was, and one packet, sent over and over, will do for all.
class Cipher {
 public:
  enum class Use : std::uint8_t { open, seal };

  Cipher(const EVP_CIPHER* kind, Use use) : context_(EVP_CIPHER_CTX_new()), use_(use) {
    std::array<unsigned char, EVP_MAX_KEY_LENGTH> key{};
    key.fill(7);
    require(context_ != nullptr &&
                EVP_CipherInit_ex(context_.get(), kind, nullptr, key.data(), nullptr, use == Use::seal ? 1 : 0) == 1,
            "set the cipher up");
  }

  /// Ends the program when a packet that is opened isn't genuine.
  void apply(unsigned char* packet) const {
    unsigned char* const body = packet + kLength;
    unsigned char* const tag = body + kEncrypted;
    EVP_CIPHER_CTX* const context = context_.get();
    int done = 0;
    bool good = EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, kNonce.data(), -1) == 1;
    if (use_ == Use::open) good = good && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTag, tag) == 1;
    good = good && EVP_CipherUpdate(context, nullptr, &done, packet, kLength) == 1 &&
           EVP_CipherUpdate(context, body, &done, body, kEncrypted) == 1 &&
           EVP_CipherFinal_ex(context, body + kEncrypted, &done) == 1;
    if (use_ == Use::seal) good = good && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTag, tag) == 1;
    require(good, use_ == Use::open ? "open a packet" : "seal a packet");
  }

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  static constexpr std::array<unsigned char, 12> kNonce{};

  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
  Use use_;
};

/// What a relay does to a packet: opens it for one leg and seals it for the other.
struct Reseal {
  Cipher open, seal;
  explicit Reseal(const EVP_CIPHER* kind) : open(kind, Cipher::Use::open), seal(kind, Cipher::Use::seal) {}
  void operator()(unsigned char* packet) const {
    open.apply(packet);
    seal.apply(packet);
  }
};

/// Runs `work` in a process of its own.
template <typename Work>
pid_t in_child(Work work) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    work();
    std::_Exit(0);
  }
  return child;
}

void require_success(pid_t child) {
  int status = 0;
  require(waitpid(child, &status, 0) == child && status == 0, "the other process failed");
}

void send_packets(const Socket& to, const Buffer& packet, std::size_t packets) {
  Buffer several;
  for (std::size_t at = 0; at < kBuffer; at += kPacket) several.insert(several.end(), packet.begin(), packet.end());
  for (std::size_t left = packets * kPacket; left > 0;) {
    const std::size_t part = std::min(left, several.size());
    to.write_all(several.data(), part);
    left -= part;
  }
}

void receive_packets(const Socket& from, std::size_t packets) {
  Buffer buffer(kBuffer);
  std::size_t received = 0;
  while (const std::size_t got = from.read(buffer.data(), buffer.size())) received += got;
  errno = 0;
  require(received == packets * kPacket, "not all packets have come through");
}

double cpu_seconds() {
  timespec now{};
  require(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0, "clock_gettime");
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Reads packets to the end of `from` and writes each on when `change` has seen it.
template <typename Change>
void relay(const Socket& from, const Socket& to, const Change& change) {
  Buffer buffer(kBuffer);
  std::size_t held = 0;
  while (const std::size_t got = from.read(buffer.data() + held, buffer.size() - held)) {
    held += got;
    const std::size_t whole = held - held % kPacket;
    for (std::size_t at = 0; at < whole; at += kPacket) change(buffer.data() + at);
    to.write_all(buffer.data(), whole);
    held -= whole;
    std::memmove(buffer.data(), buffer.data() + whole, held);
  }
}

/// The CPU seconds that this process spends on relaying packets between two others.
template <typename Change>
double relayed(const Buffer& packet, std::size_t packets, const Change& change) {
  auto in = connection();  // the first of each pair is this process's end
  auto out = connection();
  const pid_t sender = in_child([&] { send_packets(in.second, packet, packets); });
  in.second.close();
  const pid_t receiver = in_child([&] {
    in.first.close();
    out.first.close();  // or the end of the stream would never be seen
    receive_packets(out.second, packets);
  });
  out.second.close();
  const double before = cpu_seconds();
  relay(in.first, out.first, change);
  const double taken = cpu_seconds() - before;
  out.first.close();
  require_success(sender);
  require_success(receiver);
  return taken;
}

/// The same packets without sockets.
double resealed(const Buffer& packet, std::size_t packets, const Reseal& reseal) {
  Buffer buffer;
  for (std::size_t at = 0; at < kBuffer; at += kPacket) buffer.insert(buffer.end(), packet.begin(), packet.end());
  const double before = cpu_seconds();
  for (std::size_t number = 0; number < packets; ++number) reseal(buffer.data() + number * kPacket % kBuffer);
  return cpu_seconds() - before;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "";
  const EVP_CIPHER* const kind = name == "aes128-gcm" ? EVP_aes_128_gcm()
                                 : name == "chacha20" ? EVP_chacha20_poly1305()
                                                      : nullptr;
  const long mib = argc > 2 ? std::atol(argv[2]) : 1024;
  if (kind == nullptr || argc > 3 || mib < 1) {
    std::fprintf(stderr, "usage: floor aes128-gcm|chacha20 [MIB]\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // a write that fails says so

  const std::size_t packets = (static_cast<std::size_t>(mib) << 20) / kData;
  const double gib = static_cast<double>(mib) / 1024;
  const Reseal reseal(kind);
  Buffer packet(kPacket, 0);
  reseal.seal.apply(packet.data());

  const double total = relayed(packet, packets, reseal) / gib;
  const double sockets = relayed(packet, packets, [](unsigned char*) {}) / gib;
  const double ciphers = resealed(packet, packets, reseal) / gib;
  std::printf("{\"cipher\": \"%s\", \"mib\": %ld, \"total\": %.4f, \"ciphers\": %.4f, \"sockets\": %.4f}\n", argv[1], mib, total,
              ciphers, sockets);
}

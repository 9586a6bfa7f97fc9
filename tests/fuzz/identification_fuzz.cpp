// The peer's identification and the lines before it, in both roles and in pieces of any size, against a model of OpenSSH's
// kex_exchange_identification(), which reads byte by byte.
//
// The first byte chooses our role, the second one the pieces. In what follows 0xfe N C stands for 64 times N of the byte C, and
// 0xfd N for 8 times N short lines, so that a small input reaches the limits.
#include <libssh/libssh.h>
#include <libssh/server.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "ssh/keys/handles.hpp"
#include "ssh/seam/seam.h"

namespace {

using namespace sallyport;
using namespace sallyport::ssh;

enum class Reading : std::uint8_t { goes_on, accepted, refused };

/// What OpenSSH reads, but for two things: it bears any number of carriage returns at the end of a line, and whatever sscanf()
/// takes for a number.
class Model {
 public:
  explicit Model(bool is_server) : is_server_(is_server) {}

  Reading state = Reading::goes_on;
  std::string line;

  void read(std::uint8_t byte) {
    if (state != Reading::goes_on) return;
    if (byte == '\r') {
      if (++returns_ > kMostReturns) state = Reading::refused;
      return;
    }
    if (byte == '\n') return line_done();
    if (byte == '\0' || returns_ > 0 || line.size() == kLongestLine) {
      state = Reading::refused;
      return;
    }
    line.push_back(static_cast<char>(byte));
  }

 private:
  static constexpr std::size_t kLongestLine = 8192;
  static constexpr std::size_t kMostLines = 1024;
  static constexpr std::size_t kMostReturns = 1024;

  void line_done() {
    returns_ = 0;
    if (line.size() > 4 && line.starts_with("SSH-")) {
      state = is_version_2() ? Reading::accepted : Reading::refused;
    } else if (is_server_ || ++lines_ == kMostLines) {
      state = Reading::refused;
    } else {
      line.clear();
    }
  }
  bool is_version_2() const {
    unsigned int major = 0;
    unsigned long long minor = 0;
    int at = 0;
    const bool is_plain =
        line.find_first_not_of("0123456789", 4) == 5 && line[5] == '.' && line.size() > 6 && line[6] >= '0' && line[6] <= '9';
    if (!is_plain || std::sscanf(line.c_str(), "SSH-%u.%llu-%n", &major, &minor, &at) != 2) return false;
    const bool is_known = major == 2 || line.starts_with("SSH-1.99-");
    return is_known && at > 0 && static_cast<std::size_t>(at) < line.size();
  }

  const bool is_server_;
  std::size_t lines_ = 0;
  std::size_t returns_ = 0;
};

/// A session that waits for its peer's identification.
class Session {
 public:
  explicit Session(bool is_server) : is_server_(is_server) {
    ensure_libssh();
    auto made = new_session();
    if (!made) std::abort();
    session_ = std::move(*made);
    is_server ? begin_server() : begin_client();
    if (spssh_phase(session_.get()) != SPSSH_HANDSHAKE || identification() != nullptr) std::abort();
  }
  ~Session() { spssh_detach(session_.get()); }

  std::size_t feed(std::uint8_t* data, std::size_t size) { return spssh_feed(session_.get(), data, size); }
  const char* identification() const {
    return is_server_ ? ssh_get_clientbanner(session_.get()) : ssh_get_serverbanner(session_.get());
  }
  Reading state() const {
    if (spssh_phase(session_.get()) == SPSSH_DEAD) return Reading::refused;
    return identification() == nullptr ? Reading::goes_on : Reading::accepted;
  }

 private:
  static void output(void*, const std::uint8_t*, std::size_t) {}
  static std::uint8_t* reserve(void*, std::size_t) { return nullptr; }
  static void commit(void*, std::size_t) {}
  static void message(void*, const std::uint8_t*, std::size_t) {}
  static int request(void*, const std::uint8_t*, std::size_t) { return 1; }
  static void exchange(void*) {}
  static constexpr spssh_events kEvents{output, reserve, commit, message, request, message, exchange};

  void begin_client() {
    if (ssh_options_set(session_.get(), SSH_OPTIONS_HOST, "target") != SSH_OK) std::abort();
    if (spssh_attach(session_.get(), &kEvents, this, "SSH-2.0-fuzz") != 0 || ssh_connect(session_.get()) == SSH_ERROR)
      std::abort();
  }
  void begin_server() {
    static const BindHandle bind = make_bind();
    if (ssh_bind_accept_fd(bind.get(), session_.get(), SSH_INVALID_SOCKET) != SSH_OK) std::abort();
    if (spssh_attach(session_.get(), &kEvents, this, nullptr) != 0 || ssh_handle_key_exchange(session_.get()) == SSH_ERROR)
      std::abort();
  }
  static BindHandle make_bind() {
    BindHandle bind{ssh_bind_new()};
    ssh_key key = nullptr;
    const bool no_files = false;
    if (ssh_pki_generate_key(SSH_KEYTYPE_ED25519, nullptr, &key) != SSH_OK) std::abort();
    ssh_bind_options_set(bind.get(), SSH_BIND_OPTIONS_PROCESS_CONFIG, &no_files);
    if (ssh_bind_options_set(bind.get(), SSH_BIND_OPTIONS_IMPORT_KEY, key) != SSH_OK) std::abort();
    return bind;
  }

  const bool is_server_;
  SessionHandle session_;
};

std::vector<std::uint8_t> unfold(ByteView input) {
  constexpr std::uint8_t kByte = 0xfe;
  constexpr std::uint8_t kLines = 0xfd;
  constexpr std::size_t kMost = 128 * 1024;  // fed in small pieces more takes seconds
  std::vector<std::uint8_t> text;
  for (std::size_t at = 0; at < input.size() && text.size() < kMost; ++at) {
    if (input[at] == kByte && at + 2 < input.size()) {
      text.insert(text.end(), std::size_t{64} * input[at + 1], input[at + 2]);
      at += 2;
    } else if (input[at] == kLines && at + 1 < input.size()) {
      for (unsigned int i = 0; i < 8U * input[at + 1]; ++i) text.insert(text.end(), {'x', '\n'});
      at += 1;
    } else {
      text.push_back(input[at]);
    }
  }
  return text;
}

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool is_server = data[0] % 2 == 0;
  const std::vector<std::uint8_t> text = unfold(ByteView(data + 2, size - 2));
  Session session(is_server);
  Model model(is_server);
  std::vector<std::uint8_t> rest;
  std::uint32_t dice = data[1];
  for (std::size_t at = 0; at < text.size() && model.state == Reading::goes_on;) {
    dice = dice * 1664525 + 1013904223;
    const std::size_t piece = data[1] == 0 ? text.size() : 1 + dice / 65536 % (data[1] % 2 == 0 ? 8 : 4096);
    const std::size_t count = std::min(piece, text.size() - at);
    rest.insert(rest.end(), text.begin() + static_cast<std::ptrdiff_t>(at),
                text.begin() + static_cast<std::ptrdiff_t>(at + count));
    std::size_t taken = 1;
    while (!rest.empty() && taken > 0 && session.state() == Reading::goes_on) {
      // Of the exact size, so that the address sanitizer sees a read behind its end.
      std::vector<std::uint8_t> exact(rest.begin(), rest.end());
      taken = session.feed(exact.data(), exact.size());
      expect(taken <= rest.size(), "it has taken more than there was");
      rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(taken));
    }
    for (std::size_t i = 0; i < count; ++i) {
      model.read(text[at + i]);
      if (model.state != Reading::accepted) continue;
      expect(rest.size() == count - i - 1, "what is behind the identification has been taken, too");
      break;
    }
    at += count;
    expect(session.state() == model.state, "OpenSSH reads it otherwise");
  }
  if (model.state == Reading::accepted) expect(model.line == session.identification(), "another line was taken");
  return 0;
}

#include "ssh/transport/ssh_transport_seam.hpp"

#include <utility>

#include "net/loop/guard.hpp"
#include "ssh/transport/ssh_transport.hpp"

namespace sallyport::ssh {

// The trampolines of the seam. None of them may destroy the connection, so that what throws can end it.
struct SeamEvents {
  template <typename Act>
  static void call(void* owner, Act act) noexcept {
    auto& self = *static_cast<SshTransport*>(owner);
    if (auto why = net::guarded(self.io_.loop().uv(), [&] { act(self); })) self.die(std::move(*why));
  }
  static void output(void* owner, const std::uint8_t* data, std::size_t length) noexcept {
    call(owner, [&](SshTransport& self) { self.output({data, length}); });
  }
  static std::uint8_t* reserve(void* owner, std::size_t size) noexcept {
    std::uint8_t* space = nullptr;
    call(owner, [&](SshTransport& self) { space = self.socket_.out().reserve(size); });
    return space;
  }
  static void commit(void* owner, std::size_t size) noexcept {
    call(owner, [&](SshTransport& self) {
      self.socket_.out().commit(size);
      self.output_grew();
    });
  }
  static void message(void* owner, const std::uint8_t* payload, std::size_t length) noexcept {
    call(owner, [&](SshTransport& self) { self.message({payload, length}); });
  }
  static int userauth_request(void* owner, const std::uint8_t* payload, std::size_t length) noexcept {
    bool wanted = true;
    call(owner, [&](SshTransport& self) {
      wanted = self.login_.driver == nullptr || self.login_.driver->on_userauth_packet({payload, length});
    });
    return wanted ? 1 : 0;
  }
  static void info_response(void* owner, const std::uint8_t* payload, std::size_t length) noexcept {
    call(owner, [&](SshTransport& self) {
      if (self.login_.driver != nullptr) self.login_.driver->on_info_response_packet({payload, length});
    });
  }
  static void exchange(void* owner) noexcept { static_cast<SshTransport*>(owner)->exchanges_.note_message(); }
};

const spssh_events kConnectionEvents{SeamEvents::output,  SeamEvents::reserve,          SeamEvents::commit,
                                     SeamEvents::message, SeamEvents::userauth_request, SeamEvents::info_response,
                                     SeamEvents::exchange};

namespace {

struct TaskEvents {
  static void output(void* owner, const std::uint8_t* data, std::size_t length) noexcept {
    Bytes& output = static_cast<ExchangeTask*>(owner)->output;
    output.insert(output.end(), data, data + length);
  }
  static std::uint8_t* reserve(void*, std::size_t) noexcept { return nullptr; }
  static void commit(void*, std::size_t) noexcept {}
  static void ignore(void*, const std::uint8_t*, std::size_t) noexcept {}
  static int ignore_request(void*, const std::uint8_t*, std::size_t) noexcept { return 1; }
  static void exchange(void*) noexcept {}
};

}  // namespace

const spssh_events kTaskEvents{TaskEvents::output,         TaskEvents::reserve, TaskEvents::commit,  TaskEvents::ignore,
                               TaskEvents::ignore_request, TaskEvents::ignore,  TaskEvents::exchange};

}  // namespace sallyport::ssh

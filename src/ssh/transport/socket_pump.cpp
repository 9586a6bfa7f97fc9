#include "ssh/transport/socket_pump.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "net/loop/error.hpp"
#include "ssh/transport/round_trip.hpp"

namespace sallyport::ssh {

// A chunk that libuv writes once the socket takes something again. libuv's until its callback.
struct SocketPump::Write {
  uv_write_t uv{};
  SocketPump* owner = nullptr;
  std::unique_ptr<Chunk> chunk;
};

SocketPump::~SocketPump() {
  if (writing_ != nullptr) writing_->owner = nullptr;
}

void SocketPump::tune(const net::Fd& fd) {
  // These fail on a Unix socket, where they aren't needed.
  const int one = 1;
  static_cast<void>(setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
  static_cast<void>(setsockopt(fd.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kNotSentLowWater, sizeof kNotSentLowWater));
  // As OpenSSH does on both sides (TCPKeepAlive): not every peer can be asked for a sign of life.
  static_cast<void>(setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one));
}

Result<> SocketPump::open(net::Fd fd) {
  if (auto opened = tcp_.open(*this, uv_tcp_init, io_.loop().uv()); !opened) return opened;
  if (int rc = uv_tcp_open(tcp_.get(), fd.get()); rc != 0) return fail(net::from_uv(rc, "open socket"));
  static_cast<void>(fd.release());  // libuv's now
  ask_for_acknowledgement();
  return {};
}

int SocketPump::descriptor() const {
  uv_os_fd_t fd = -1;
  return tcp_ && uv_fileno(reinterpret_cast<const uv_handle_t*>(tcp_.get()), &fd) == 0 ? fd : -1;
}

Result<net::Fd> SocketPump::duplicate() const {
  net::Fd fd(::fcntl(descriptor(), F_DUPFD_CLOEXEC, 0));  // libuv doesn't give one back
  if (!fd) return fail(net::from_errno(errno, "duplicate a socket"));
  return fd;
}

bool SocketPump::shut_down() {
  auto request = std::make_unique<uv_shutdown_t>();
  const int rc = uv_shutdown(request.get(), stream(), [](uv_shutdown_t* uv, int) noexcept { delete uv; });
  if (rc != 0) return false;
  static_cast<void>(request.release());
  return true;
}

void SocketPump::fail_to(const char* what, int rc) { user_.on_socket_failed(net::from_uv(rc, what)); }

// ---- reading

void SocketPump::set_reading(bool wanted) {
  if (wanted == reading_ || !tcp_) return;
  reading_ = wanted;
  const int rc = wanted ? uv_read_start(stream(), on_alloc, on_read) : uv_read_stop(stream());
  if (rc != 0) fail_to("read", rc);
}

void SocketPump::on_alloc(uv_handle_t* uv, std::size_t, uv_buf_t* buffer) noexcept {
  auto* self = Tcp::owner_of(uv->data);
  // Without a buffer libuv reads nothing in this turn, and nothing has to be asked of the kernel for it.
  const std::span<std::uint8_t> room = self == nullptr ? std::span<std::uint8_t>{} : self->user_.room_to_read();
  *buffer = uv_buf_init(reinterpret_cast<char*>(room.data()), static_cast<unsigned int>(room.size()));
}

void SocketPump::on_read(uv_stream_t* uv, ssize_t count, const uv_buf_t* buffer) noexcept {
  if (count == 0 || count == UV_ENOBUFS) return;
  Tcp::call(
      reinterpret_cast<uv_tcp_t*>(uv), [&](SocketPump& self) { self.read(count, *buffer); },
      [](SocketPump& self, const Error& why) { self.user_.on_socket_exception(why); });
}

void SocketPump::read(ssize_t count, const uv_buf_t& buffer) {
  if (count > 0) return user_.on_bytes(reinterpret_cast<std::uint8_t*>(buffer.base), static_cast<std::size_t>(count));
  reading_ = false;
  static_cast<void>(uv_read_stop(stream()));
  count == UV_EOF ? user_.on_end_of_input() : fail_to("read", static_cast<int>(count));
}

// ---- writing

void SocketPump::flush() {
  while (!out_.empty() && writing_ == nullptr && tcp_) {
    std::array<uv_buf_t, OutputQueue::kMaxBuffers> buffers;
    const unsigned int count = out_.front(buffers);
    std::size_t offered = 0;
    for (unsigned int i = 0; i < count; ++i) offered += buffers[i].len;
    const int written = uv_try_write(stream(), buffers.data(), count);
    if (written < 0 && written != UV_EAGAIN) {
      out_.clear();
      return fail_to("write", written);
    }
    if (written > 0) {
      out_.consume(static_cast<std::size_t>(written));
      owes_ack_ = false;
    }
    if (written < 0 || static_cast<std::size_t>(written) < offered) return write_when_ready();
  }
}

void SocketPump::write_when_ready() {
  auto write = std::make_unique<Write>();
  write->owner = this;
  write->chunk = out_.take_front();
  write->uv.data = write.get();
  const std::size_t size = write->chunk->end - write->chunk->begin;
  const uv_buf_t buffer =
      uv_buf_init(reinterpret_cast<char*>(write->chunk->data.data() + write->chunk->begin), static_cast<unsigned int>(size));
  if (int rc = uv_write(&write->uv, stream(), &buffer, 1, on_written); rc != 0) return fail_to("write", rc);
  in_flight_ = size;
  writing_ = write.release();
}

void SocketPump::on_written(uv_write_t* uv, int status) noexcept {
  const std::unique_ptr<Write> write{static_cast<Write*>(uv->data)};
  SocketPump* self = write->owner;
  if (self == nullptr) return;
  auto why = net::guarded(self->io_.loop().uv(), [&] { self->written(std::move(write->chunk), status); });
  if (why) self->user_.on_socket_exception(*why);
}

void SocketPump::written(std::unique_ptr<Chunk> chunk, int status) {
  writing_ = nullptr;
  in_flight_ = 0;
  out_.give_back(std::move(chunk));
  if (status != 0) {
    out_.clear();
    return fail_to("write", status);
  }
  flush();
  user_.on_written();
}

// ---- what the kernel does and knows

void SocketPump::send_acknowledgement() {
  if (std::exchange(owes_ack_, false)) ask_for_acknowledgement();
}

// Linux forgets this setting by itself after some segments.
void SocketPump::ask_for_acknowledgement() {
  const int one = 1;
  static_cast<void>(setsockopt(descriptor(), IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one));
}

std::uint64_t SocketPump::acknowledged() {
  if (std::exchange(acknowledged_in_, io_.turn()) == io_.turn()) return acknowledged_;
  const int fd = descriptor();
  if (fd < 0) return acknowledged_;
  const std::uint64_t written = out_.put_in() - out_.size() - in_flight_;
  const std::uint64_t on_the_way = unacknowledged(fd);
  // What was written by the login thread counts there alone, and a Unix socket counts more than was written.
  if (on_the_way < written) acknowledged_ = std::max(acknowledged_, written - on_the_way);
  return acknowledged_;
}

std::chrono::microseconds SocketPump::round_trip() {
  look_at_way();
  return round_trip_;
}

std::uint32_t SocketPump::segment() {
  look_at_way();
  return segment_;
}

void SocketPump::look_at_way() {
  const TimePoint now = io_.clock().now();
  if (now - way_seen_ < kWayLook) return;
  const int fd = descriptor();
  if (fd < 0) return;
  way_seen_ = now;
  const WayToPeer way = way_to_peer(fd);
  segment_ = way.segment;
  // The kernel forgets its smallest one after some minutes, and a queue may have stood in the way ever since.
  const std::chrono::microseconds seen = way.smallest_round_trip;
  if (seen.count() != 0 && (round_trip_.count() == 0 || seen < round_trip_)) round_trip_ = seen;
}

}  // namespace sallyport::ssh

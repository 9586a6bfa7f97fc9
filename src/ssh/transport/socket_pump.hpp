// The socket of one SSH connection: what is read from it, what is written to it, and what the kernel knows of the way.
#pragma once

#include <uv.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>

#include "net/loop/fd.hpp"
#include "net/loop/handle.hpp"
#include "ssh/transport/loop_io.hpp"
#include "ssh/transport/output_queue.hpp"

namespace sallyport::ssh {

/// Whose socket it is. Nothing of this may destroy the pump.
class SocketUser {
 public:
  virtual ~SocketUser() = default;
  /// Where the next bytes are to be put; empty: none are read in this turn of the loop.
  virtual std::span<std::uint8_t> room_to_read() noexcept = 0;
  /// They are there, as many of them as there were.
  virtual void on_bytes(std::uint8_t* data, std::size_t size) = 0;
  /// The peer has ended the stream. Nothing is read any more.
  virtual void on_end_of_input() = 0;
  /// Some of what waited has been written.
  virtual void on_written() = 0;
  /// It neither reads nor writes any more.
  virtual void on_socket_failed(Error why) = 0;
  /// One of these functions has thrown.
  virtual void on_socket_exception(const Error& why) = 0;
};

/// Reads when it is told to, writes what is put into its queue: at once by flush(), what then doesn't fit into the kernel's
/// buffer when there is room. Used on the loop's thread alone.
class SocketPump {
 public:
  /// What the kernel may hold unsent: little, so that what is urgent can still overtake bulk in our own queues. Half of
  /// this costs a quarter more CPU per byte of bulk.
  static constexpr int kNotSentLowWater = 64 * 1024;
  /// How often the kernel is asked for the round trip and the segments, at the most.
  static constexpr Duration kWayLook{1000};

  SocketPump(LoopIo& io, SocketUser& user) : io_(io), user_(user), out_(io.chunks()) {}
  ~SocketPump();
  SocketPump(const SocketPump&) = delete;
  SocketPump& operator=(const SocketPump&) = delete;

  /// Sets what all connections want of their sockets. Once for each, before open() or in another process's place.
  static void tune(const net::Fd& fd);
  Result<> open(net::Fd fd);
  bool is_open() const { return static_cast<bool>(tcp_); }
  /// Another descriptor of the socket.
  Result<net::Fd> duplicate() const;
  void close() { tcp_.close(); }
  /// Says that nothing more is written. False when it can't be said.
  [[nodiscard]] bool shut_down();

  void set_reading(bool wanted);
  /// What is to be written. Put in, and then flush().
  OutputQueue& out() { return out_; }
  const OutputQueue& out() const { return out_; }
  void flush();
  /// Bytes that the kernel hasn't taken.
  std::size_t unwritten() const { return out_.size() + in_flight_; }

  /// Linux delays acknowledgements, but not those that are asked for: a peer that writes a small packet and waits, with Nagle's
  /// algorithm on, would wait for 40 ms. Asked for until then, see owe_acknowledgement().
  void acknowledge_quickly_until(TimePoint end) { quick_until_ = end; }
  /// Something has been read; true when send_acknowledgement() is to be called at the end of the turn.
  bool owe_acknowledgement() { return owes_ack_ = owes_ack_ || io_.clock().now() < quick_until_; }
  /// Sends what is owed. Where an answer goes out in the same turn it carries the acknowledgement, and this would only send
  /// another segment.
  void send_acknowledgement();

  /// Bytes that have reached the peer's host; asked of the kernel once a turn.
  std::uint64_t acknowledged();
  /// See Transport; 0 while it isn't known.
  std::chrono::microseconds round_trip();
  std::uint32_t segment();

 private:
  using Tcp = net::Handle<uv_tcp_t, SocketPump>;
  struct Write;

  static void on_alloc(uv_handle_t* uv, std::size_t suggested, uv_buf_t* buffer) noexcept;
  static void on_read(uv_stream_t* uv, ssize_t count, const uv_buf_t* buffer) noexcept;
  static void on_written(uv_write_t* uv, int status) noexcept;
  void read(ssize_t count, const uv_buf_t& buffer);
  void written(std::unique_ptr<Chunk> chunk, int status);
  void write_when_ready();
  void ask_for_acknowledgement();
  void look_at_way();
  void fail_to(const char* what, int rc);
  /// -1: there is none.
  int descriptor() const;
  uv_stream_t* stream() const { return reinterpret_cast<uv_stream_t*>(tcp_.get()); }

  LoopIo& io_;
  SocketUser& user_;
  Tcp tcp_;
  bool reading_ = false;
  OutputQueue out_;
  Write* writing_ = nullptr;  // libuv's
  std::size_t in_flight_ = 0;
  TimePoint quick_until_ = TimePoint::max();
  bool owes_ack_ = false;  // something has been read, and nothing been written since
  std::uint64_t acknowledged_ = 0;
  std::uint64_t acknowledged_in_ = 0;  // the turn of which that is
  std::chrono::microseconds round_trip_{0};
  std::uint32_t segment_ = 0;
  TimePoint way_seen_;
};

}  // namespace sallyport::ssh

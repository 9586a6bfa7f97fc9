// A connected socket for small protocols: bounded both ways.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

#include "net/loop/fd.hpp"
#include "net/loop/handle.hpp"
#include "net/loop/loop.hpp"

namespace sallyport::net {

/// Reads and writes a stream socket (a control connection, say). Destroying it closes at once and drops what is queued.
class Stream {
 public:
  struct Handlers {
    /// The bytes are gone when the call returns. May destroy the stream.
    std::function<void(ByteView bytes)> on_data;
    /// The peer will send no more (Errc::closed), or the stream failed: then the Errc says how. Comes once and nothing
    /// follows on_data; what was written before is still sent after a mere end of input. May destroy the stream.
    std::function<void(const Error& why)> on_end;
    /// After finish(): everything has been given to the kernel. May destroy the stream. Need not be set.
    std::function<void()> on_finished;
  };

  /// `fd` must be a connected, non-blocking stream socket. At most `write_limit` bytes wait unsent.
  static Result<std::unique_ptr<Stream>> open(Loop& loop, Fd fd, std::size_t write_limit, Handlers handlers);

  /// Queues `bytes`, and sends what the kernel takes at once. False when the limit would be passed: then nothing is
  /// queued. Calls nothing back. On a stream that has failed the bytes are dropped.
  [[nodiscard]] bool write(ByteView bytes);
  [[nodiscard]] bool write(std::string_view text) { return write(bytes_of(text)); }
  /// Half-closes behind what is queued; nothing may be written later.
  void finish();
  /// Stops and resumes on_data. Not counted.
  void pause();
  void resume();
  /// Bytes that wait unsent.
  std::size_t queued() const { return queue_.size() - sent_; }
  int fd() const { return fd_.get(); }

 private:
  using Poll = Handle<uv_poll_t, Stream>;

  explicit Stream(Handlers handlers, std::size_t limit) : handlers_(std::move(handlers)), write_limit_(limit) {}
  static void on_ready(uv_poll_t* uv, int status, int events) noexcept;
  void serve(const uv_poll_t* uv, int status, int events);
  void broken(const Error& why);
  void flush();
  bool read_some();
  void end(const Error& why);
  void watch();

  Handlers handlers_;
  std::size_t write_limit_;
  std::string queue_;
  std::size_t sent_ = 0;  // of queue_'s front
  bool paused_ = false;
  bool input_ended_ = false;
  bool failed_ = false;
  enum class Finish : std::uint8_t { no, wanted, done } finish_ = Finish::no;
  Fd fd_;  // before the watcher: it must be open when that closes
  Poll poll_;
};

/// Cuts a stream of bytes into lines, with a bound on their length.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t limit) : limit_(limit) {}
  /// Appends what came. False when a line is longer than the limit: the peer is to be dropped.
  [[nodiscard]] bool feed(ByteView bytes);
  /// Takes the next complete line, without its LF or CR LF. False when there is none.
  bool next(std::string& line);

 private:
  std::size_t limit_;
  std::string buffer_;
};

}  // namespace sallyport::net

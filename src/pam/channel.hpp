// The helper's end of the socket to the daemon.
#pragma once

#include <optional>
#include <vector>

#include "pam/protocol.hpp"

namespace sallyport::pam {

/// Blocks: the helper has nothing else to do. What was read is overwritten by what is read next, and at the end.
class Channel {
 public:
  /// Takes standard input for itself, and leaves /dev/null as standard input and output: modules may run programs, and
  /// may print. Null when that fails.
  static std::optional<Channel> on_standard_input();
  Channel(Channel&& other) noexcept;
  Channel& operator=(Channel&&) = delete;
  ~Channel();

  /// The next frame, valid until the next call. Empty when the daemon has closed its end, or doesn't keep to the protocol.
  std::optional<Frame> receive();
  /// Sends a frame and wipes it. False when nobody is there any more.
  bool send(Bytes frame);

 private:
  explicit Channel(int fd) : fd_(fd), received_(4 + kMaxFrame) {}

  int fd_;
  Bytes received_;
  std::size_t size_ = 0;  // of what has come
  std::size_t used_ = 0;  // by the frame that receive() gave out
};

}  // namespace sallyport::pam

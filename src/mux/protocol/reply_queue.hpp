// Answers in the order of their requests (RFC 4254, sections 4 and 5.4: an answer carries no number).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sallyport::mux {

/// The answers that we owe a peer on one channel. Some we know at once, some come from the other end of the relay; one
/// that is known early waits here for those before it.
class ReplyQueue {
 public:
  /// More unanswered requests than this are a flood.
  static constexpr std::size_t kLimit = 256;

  /// A request was passed on; its answer comes later, through resolve().
  void expect() { replies_.push_back(Reply::waiting); }
  /// The newest request was decided here, after all; its answer waits for those before it. `send(bool success)` is
  /// called for each answer that may leave now. Only after an expect() that nothing has answered.
  template <typename SendReply>
  void answer_newest(bool success, SendReply send) {
    replies_.back() = success ? Reply::success : Reply::failure;
    flush(send);
  }
  /// The answer to the oldest request that waits for one. False when none does.
  template <typename SendReply>
  bool resolve(bool success, SendReply send) {
    for (Reply& reply : replies_) {
      if (reply != Reply::waiting) continue;
      reply = success ? Reply::success : Reply::failure;
      flush(send);
      return true;
    }
    return false;
  }
  bool full() const { return replies_.size() >= kLimit; }

 private:
  enum class Reply : std::uint8_t { waiting, success, failure };

  template <typename SendReply>
  void flush(SendReply& send) {
    std::size_t ready = 0;
    while (ready < replies_.size() && replies_[ready] != Reply::waiting) send(replies_[ready++] == Reply::success);
    replies_.erase(replies_.begin(), replies_.begin() + static_cast<std::ptrdiff_t>(ready));
  }

  std::vector<Reply> replies_;  // front first; nearly always of length 0 or 1
};

}  // namespace sallyport::mux

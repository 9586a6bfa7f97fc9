// The answers that we owe a peer to its global requests, in the order of these (RFC 4254, section 4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <optional>
#include <utility>

#include <sallyport/bytes.hpp>

namespace sallyport::mux {

/// A request that somebody else decides gets a ticket, and its answer waits here for those of the requests before it:
/// an answer carries no number. Unlike a channel's (see ReplyQueue) answers come from many places, in any order.
class GlobalReplies {
 public:
  /// Names one request; `none` is one that wants no answer.
  enum class Ticket : std::uint64_t { none = 0 };
  /// More unanswered requests than this are a flood.
  static constexpr std::size_t kLimit = 256;

  bool full() const { return waiting_.size() >= kLimit; }
  Ticket expect() {
    waiting_.emplace_back();
    return Ticket{first_ + waiting_.size() - 1};
  }
  /// Takes the whole message that answers; `send(message)` is called for each that may leave now. An answer to `none`
  /// is dropped. Once a ticket.
  template <typename Send>
  void answer(Ticket ticket, Bytes message, Send send) {
    if (ticket == Ticket::none) return;
    const auto place = static_cast<std::ptrdiff_t>(static_cast<std::uint64_t>(ticket) - first_);
    *std::next(waiting_.begin(), place) = std::move(message);
    while (!waiting_.empty() && waiting_.front()) {
      const Bytes next = std::move(*waiting_.front());
      waiting_.pop_front();
      ++first_;
      send(next);
    }
  }

 private:
  std::uint64_t first_ = 1;                  // the ticket of the oldest
  std::list<std::optional<Bytes>> waiting_;  // a deque would keep half a kilobyte for each idle connection
};

}  // namespace sallyport::mux

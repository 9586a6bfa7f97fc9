// Messages that wait until keys have been exchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include <sallyport/account.hpp>
#include <sallyport/bytes.hpp>

namespace sallyport::ssh {

/// One behind the other in one piece of memory, so that small ones cost little more than their bytes. Holds none while
/// it is empty.
class MessageQueue {
 public:
  void charge_to(std::shared_ptr<Account> account) { charge_.move_to(std::move(account)); }
  bool empty() const { return next_ == bytes_.size(); }
  /// What waits, in bytes.
  std::size_t size() const { return bytes_.size() - next_; }
  /// What of it answers the peer.
  std::size_t answers() const { return answers_; }
  /// The memory that it takes.
  std::size_t held() const { return bytes_.capacity(); }

  void push(ByteView head, ByteView tail, bool is_answer) {
    const Header header{static_cast<std::uint32_t>(head.size() + tail.size()), is_answer};
    const auto* const raw = reinterpret_cast<const std::uint8_t*>(&header);
    bytes_.insert(bytes_.end(), raw, raw + sizeof header);
    bytes_.insert(bytes_.end(), head.begin(), head.end());
    bytes_.insert(bytes_.end(), tail.begin(), tail.end());
    if (is_answer) answers_ += header.size;
    charge_.set(bytes_.capacity());
  }
  /// Calls `send(ByteView message, bool is_answer)` for one after the other until it returns false: that one stays.
  template <typename Send>
  void send_each(Send send) {
    while (!empty()) {
      Header header;
      std::memcpy(&header, bytes_.data() + next_, sizeof header);
      if (!send(ByteView{bytes_}.subspan(next_ + sizeof header, header.size), header.is_answer)) return;
      next_ += sizeof header + header.size;
      if (header.is_answer) answers_ -= header.size;
    }
    clear();
  }
  void clear() {
    bytes_ = {};
    next_ = answers_ = 0;
    charge_.set(0);
  }

 private:
  struct Header {
    std::uint32_t size = 0;
    bool is_answer = false;
  };

  Bytes bytes_;
  std::size_t next_ = 0;  // where the first that waits begins
  std::size_t answers_ = 0;
  Charge charge_;
};

}  // namespace sallyport::ssh

// The beginning of a packet whose rest hasn't come yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include <sallyport/account.hpp>

namespace sallyport::ssh {

/// Contiguous bytes with room behind them, into which the next read goes. Holds no memory while it is empty.
class InputBuffer {
 public:
  void charge_to(std::shared_ptr<Account> account) { charge_.move_to(std::move(account)); }
  bool empty() const { return end_ == begin_; }
  std::uint8_t* data() { return bytes_.get() + begin_; }
  std::size_t size() const { return end_ - begin_; }

  /// Makes room for `count` more bytes and returns where they go.
  std::uint8_t* reserve(std::size_t count) {
    if (capacity_ - end_ < count) {
      const std::size_t wanted = size() + count;
      if (capacity_ >= wanted) {
        std::memmove(bytes_.get(), data(), size());
      } else {
        // In steps: a packet that trickles in is copied a few times, not once for each read.
        const std::size_t capacity = std::max(wanted, capacity_ + std::min(capacity_, kStep));
        auto bytes = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
        if (!empty()) std::memcpy(bytes.get(), data(), size());
        bytes_ = std::move(bytes);
        capacity_ = capacity;
        charge_.set(capacity);
      }
      end_ = size();
      begin_ = 0;
    }
    return bytes_.get() + end_;
  }
  /// `count` bytes have been put where reserve() said.
  void commit(std::size_t count) { end_ += count; }
  /// The first `count` bytes aren't needed any more.
  void consume(std::size_t count) {
    begin_ += count;
    if (!empty()) return;
    bytes_.reset();
    begin_ = end_ = capacity_ = 0;
    charge_.set(0);
  }

 private:
  static constexpr std::size_t kStep = 32 * 1024;

  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
  Charge charge_;
};

}  // namespace sallyport::ssh

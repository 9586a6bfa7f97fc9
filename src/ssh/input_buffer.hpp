// The beginning of a packet whose rest hasn't come yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace sallyport::ssh {

/// Contiguous bytes with room behind them, into which the next read goes. Holds no memory while it is empty.
class InputBuffer {
 public:
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
        // Doubling: a packet that trickles in is copied a few times, not once for each read.
        const std::size_t capacity = std::max(wanted, capacity_ * 2);
        auto bytes = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
        if (!empty()) std::memcpy(bytes.get(), data(), size());
        bytes_ = std::move(bytes);
        capacity_ = capacity;
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
  }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace sallyport::ssh

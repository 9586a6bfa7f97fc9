#include "mux/protocol/held_messages.hpp"

#include <algorithm>
#include <utility>

#include "wire/encoding.hpp"

namespace sallyport::mux {
namespace {

/// What one costs beyond its bytes: its place in the list, and the allocator's.
constexpr std::size_t kOverhead = 96;

}  // namespace

void HeldMessages::add(ByteView head, ByteView data, DataKind kind) {
  Message held;
  held.bytes.reserve(head.size() + data.size());
  held.bytes.insert(held.bytes.end(), head.begin(), head.end());
  held.bytes.insert(held.bytes.end(), data.begin(), data.end());
  held.data = static_cast<std::uint32_t>(data.size());
  held.kind = kind;
  if (data.empty()) control_ += head.size();
  data_ += held.data;
  charge_.add(held.bytes.size() + kOverhead);
  messages_.push_back(std::move(held));
}

bool HeldMessages::append(DataKind kind, ByteView data, std::uint32_t largest) {
  if (empty()) return false;
  Message& last = messages_.back();
  const auto size = static_cast<std::uint32_t>(data.size());
  if (last.data == 0 || last.kind != kind || last.data >= largest || size > largest - last.data) return false;
  const std::size_t length_at = last.bytes.size() - last.data - sizeof(std::uint32_t);
  last.bytes.insert(last.bytes.end(), data.begin(), data.end());
  last.data += size;
  wire::HeadWriter length;
  length.uint32(last.data);
  std::copy(length.view().begin(), length.view().end(), last.bytes.begin() + static_cast<std::ptrdiff_t>(length_at));
  data_ += size;
  charge_.add(size);
  return true;
}

HeldMessages::Message HeldMessages::take() {
  Message first = std::move(messages_[next_++]);
  if (first.data == 0) control_ -= first.bytes.size();
  data_ -= first.data;
  charge_.subtract(first.bytes.size() + kOverhead);
  // Those that have left go when they are the greater part: a stream that is never quite up to date must not grow.
  if (empty()) {
    messages_ = {};
    next_ = 0;
  } else if (next_ > messages_.size() / 2) {
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(next_));
    next_ = 0;
  }
  return first;
}

void HeldMessages::clear() {
  messages_ = {};
  next_ = 0;
  control_ = 0;
  data_ = 0;
  charge_.set(0);
}

}  // namespace sallyport::mux

// RFC 4251, section 5: the data types that SSH messages are made of.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include <sallyport/bytes.hpp>

namespace sallyport::wire {

/// Reads fields from the front of a message. After the first field that isn't there whole, ok() is false for good
/// and every further read gives zero or empty: parse all fields, then ask once. Views are into the message.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  std::uint8_t byte() {
    ByteView field = take(1);
    return field.empty() ? std::uint8_t{0} : field[0];
  }
  /// Any value but zero is true (RFC 4251).
  bool boolean() { return byte() != 0; }
  std::uint32_t uint32() {
    ByteView f = take(4);
    if (f.empty()) return 0;
    return std::uint32_t{f[0]} << 24 | std::uint32_t{f[1]} << 16 | std::uint32_t{f[2]} << 8 | std::uint32_t{f[3]};
  }
  ByteView string() {
    const std::uint32_t length = uint32();
    return take(length);
  }
  std::string_view text() { return text_of(string()); }

  /// What has not been read yet.
  ByteView rest() const { return rest_; }
  bool ok() const { return ok_; }
  /// Everything was there and nothing is left over.
  bool at_end() const { return ok_ && rest_.empty(); }

 private:
  ByteView take(std::size_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    ByteView field = rest_.first(count);
    rest_ = rest_.subspan(count);
    return field;
  }

  ByteView rest_;
  bool ok_ = true;
};

/// Writes fields into memory of its own, without allocating: for the short heads of messages on the data path.
class HeadWriter {
 public:
  static constexpr std::size_t kCapacity = 32;

  HeadWriter& byte(std::uint8_t value) {
    buffer_[size_++] = value;
    return *this;
  }
  HeadWriter& uint32(std::uint32_t value) {
    buffer_[size_++] = static_cast<std::uint8_t>(value >> 24);
    buffer_[size_++] = static_cast<std::uint8_t>(value >> 16);
    buffer_[size_++] = static_cast<std::uint8_t>(value >> 8);
    buffer_[size_++] = static_cast<std::uint8_t>(value);
    return *this;
  }
  ByteView view() const { return {buffer_, size_}; }

 private:
  std::uint8_t buffer_[kCapacity];
  std::size_t size_ = 0;
};

/// Appends fields to a buffer that grows.
class Writer {
 public:
  Writer& byte(std::uint8_t value) {
    bytes_.push_back(value);
    return *this;
  }
  Writer& boolean(bool value) { return byte(value ? 1 : 0); }
  Writer& uint32(std::uint32_t value) {
    const std::uint8_t field[] = {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
                                  static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
    return raw(field);
  }
  Writer& string(ByteView value) {
    uint32(static_cast<std::uint32_t>(value.size()));
    return raw(value);
  }
  Writer& string(std::string_view value) { return string(bytes_of(value)); }
  Writer& raw(ByteView value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  const Bytes& bytes() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace sallyport::wire

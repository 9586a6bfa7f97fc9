// What one channel has to send and can't yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <sallyport/account.hpp>
#include <sallyport/bytes.hpp>

namespace sallyport::mux {

/// What kind of data a message carries: that of CHANNEL_DATA, or of CHANNEL_EXTENDED_DATA with a code.
struct DataKind {
  bool extended = false;
  std::uint32_t code = 0;
  bool operator==(const DataKind&) const = default;
};

/// Whole messages in the order in which they will leave, charged to the connection's account.
class HeldMessages {
 public:
  struct Message {
    Bytes bytes;
    std::uint32_t data = 0;  ///< how much of it counts in the window, at its end
    DataKind kind;           ///< when there is data
  };

  explicit HeldMessages(std::shared_ptr<Account> account) : charge_(std::move(account)) {}

  bool empty() const { return next_ == messages_.size(); }
  /// Bytes of data in them.
  std::uint32_t data() const { return data_; }
  /// Bytes of those messages that carry none.
  std::size_t control() const { return control_; }

  /// Adds the message that `head` and `data` are together.
  void add(ByteView head, ByteView data, DataKind kind);
  /// Adds the data to the message that was added last, when that is of the kind and won't carry more than `largest`: many short
  /// messages to a peer that doesn't read would cost many times their size.
  bool append(DataKind kind, ByteView data, std::uint32_t largest);
  /// The first one, which there must be.
  Message take();
  void clear();

 private:
  std::vector<Message> messages_;
  std::size_t next_ = 0;  // the first that hasn't left
  std::uint32_t data_ = 0;
  std::size_t control_ = 0;
  Charge charge_;
};

}  // namespace sallyport::mux

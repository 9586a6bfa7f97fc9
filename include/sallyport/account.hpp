// How much memory is held for somebody: counted, and bounded, in this one place.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace sallyport {

/// Bytes that are held for a connection, and with it for its user: output, messages that wait, what is being collected.
/// An account says whether there are too many; what follows from that is the affair of whoever asks. Of one thread.
class Account {
 public:
  /// What is held for this account is held for `owner` as well.
  explicit Account(std::size_t limit, std::shared_ptr<Account> owner = nullptr) : limit_(limit), owner_(std::move(owner)) {}
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  std::size_t held() const { return held_; }
  /// Whether `bytes` more would be within all bounds.
  bool has_room_for(std::size_t bytes) const {
    return held_ + bytes <= limit_ && (owner_ == nullptr || owner_->has_room_for(bytes));
  }
  /// A bound is passed: this one's or its owner's.
  bool is_over() const { return !has_room_for(0); }
  /// Half of a bound is: nobody is to be invited to send more than he must.
  bool is_pressed() const { return held_ > limit_ / 2 || (owner_ != nullptr && owner_->is_pressed()); }
  /// Three quarters are: nothing new is to be begun for him.
  bool is_crowded() const { return held_ > limit_ / 4 * 3 || (owner_ != nullptr && owner_->is_crowded()); }
  /// Who has connections at all, such as a user; itself when it has no owner.
  const Account* root() const { return owner_ == nullptr ? this : owner_->root(); }

 private:
  friend class Charge;
  void add(std::size_t bytes) {
    held_ += bytes;
    if (owner_ != nullptr) owner_->add(bytes);
  }
  void subtract(std::size_t bytes) {
    assert(bytes <= held_);
    held_ -= bytes;
    if (owner_ != nullptr) owner_->subtract(bytes);
  }

  const std::size_t limit_;
  std::size_t held_ = 0;
  const std::shared_ptr<Account> owner_;
};

/// What one queue or list has in an account; it goes with the queue. Without an account it only counts.
class Charge {
 public:
  Charge() = default;
  explicit Charge(std::shared_ptr<Account> account) : account_(std::move(account)) {}
  ~Charge() { set(0); }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

  std::size_t bytes() const { return bytes_; }
  void add(std::size_t bytes) {
    bytes_ += bytes;
    if (account_ != nullptr) account_->add(bytes);
  }
  void subtract(std::size_t bytes) {
    assert(bytes <= bytes_);
    bytes_ -= bytes;
    if (account_ != nullptr) account_->subtract(bytes);
  }
  void set(std::size_t bytes) {
    if (bytes > bytes_) add(bytes - bytes_);
    if (bytes < bytes_) subtract(bytes_ - bytes);
  }
  /// What it is now, and will be, is held for `account`.
  void move_to(std::shared_ptr<Account> account) {
    const std::size_t bytes = bytes_;
    set(0);
    account_ = std::move(account);
    set(bytes);
  }

 private:
  std::shared_ptr<Account> account_;
  std::size_t bytes_ = 0;
};

}  // namespace sallyport

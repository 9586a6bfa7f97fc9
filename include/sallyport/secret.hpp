// A password, a code, a passphrase: text that must not stay in memory, nor get into a core file or the swap space.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace sallyport {

/// Owns the text in pages of its own, which are locked into memory as far as RLIMIT_MEMLOCK lets them, left out of core
/// files, and overwritten and given back when the object goes. Moves; a copy has to be asked for. Nothing here formats,
/// compares or prints it: take care of what view() is given to.
class SecretString {
 public:
  SecretString() = default;
  explicit SecretString(std::string_view text) {
    if (text.empty()) return;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    mapped_ = (text.size() + 1 + page - 1) / page * page;  // one byte more, which stays zero: c_str()
    void* const memory = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<char*>(memory);
    // Either may be refused (the limit, an old kernel), which is no reason to turn somebody away.
    static_cast<void>(::mlock(memory, mapped_));
    static_cast<void>(::madvise(memory, mapped_, MADV_DONTDUMP));
    std::memcpy(data_, text.data(), text.size());
    size_ = text.size();
  }
  SecretString(SecretString&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        mapped_(std::exchange(other.mapped_, 0)) {}
  SecretString& operator=(SecretString&& other) noexcept {
    if (this != &other) {
      wipe();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      mapped_ = std::exchange(other.mapped_, 0);
    }
    return *this;
  }
  SecretString(const SecretString&) = delete;
  SecretString& operator=(const SecretString&) = delete;
  ~SecretString() { wipe(); }

  /// A second one with the same text.
  [[nodiscard]] SecretString copy() const { return SecretString(view()); }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  /// As long-lived as the object.
  std::string_view view() const { return {c_str(), size_}; }
  /// With a zero at its end; never null. What stands in the text itself may be zero too.
  const char* c_str() const { return data_ == nullptr ? "" : data_; }

  /// Forgets the text now.
  void wipe() noexcept {
    if (data_ == nullptr) return;
    ::explicit_bzero(data_, mapped_);
    static_cast<void>(::munmap(data_, mapped_));
    data_ = nullptr;
    size_ = 0;
    mapped_ = 0;
  }

 private:
  char* data_ = nullptr;  // null: the empty text
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;
};

/// Overwrites what a container of bytes or characters holds, its spare room excepted, and empties it.
template <typename Container>
void wipe(Container& bytes) noexcept {
  if (!bytes.empty()) ::explicit_bzero(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace sallyport

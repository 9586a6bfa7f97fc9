// Bytes on their way to a socket, in chunks of one size, so that memory is given back as it drains.
#pragma once

#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include <sallyport/account.hpp>
#include <sallyport/bytes.hpp>

namespace sallyport::ssh {

/// A piece of output: [begin, end) of data is unsent.
struct Chunk {
  /// Two packets of a stream, each of 32 KiB of data (Channel::kMaximumPacket) and what stands around it.
  static constexpr std::size_t kSize = 68 * 1024 - 64;  // with its header and malloc's still whole pages
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t answers = 0;               ///< how much of what was put in are answers; see OutputQueue::count_answers()
  std::array<std::uint8_t, kSize> data;  // on purpose not initialised
};

/// Keeps a few free chunks, so that steady traffic doesn't go through malloc.
class ChunkPool {
 public:
  static constexpr std::size_t kKept = 8;
  std::unique_ptr<Chunk> take();
  void give(std::unique_ptr<Chunk> chunk);

 private:
  std::vector<std::unique_ptr<Chunk>> free_;
};

/// What a connection has to write. Each chunk of it is charged as a whole, also when there is little in it.
class OutputQueue {
 public:
  /// Chunks that go into one system call.
  static constexpr std::size_t kMaxBuffers = 8;

  explicit OutputQueue(ChunkPool& pool) : pool_(pool) {}
  ~OutputQueue() { clear(); }
  /// For whom it is held, from now on.
  void charge_to(std::shared_ptr<Account> account) { charge_.move_to(std::move(account)); }
  /// The memory that it takes, with what is being written.
  std::size_t held() const { return charge_.bytes(); }
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;

  void append(ByteView bytes);
  /// Room for `size` bytes at the end, to be filled before anything else is done with the queue; null when that is more than a
  /// chunk holds.
  std::uint8_t* reserve(std::size_t size);
  /// What was reserved is full.
  void commit(std::size_t size);
  /// Whether what is put in from now on answers the peer, who decides how much of it there will be. Returns what it
  /// was.
  bool count_answers(bool answers) { return std::exchange(counts_answers_, answers); }
  /// Bytes of answers that have not been written, give or take a chunk.
  std::size_t answers() const { return answers_; }
  std::size_t size() const { return size_; }
  /// Bytes that have been put in since the beginning.
  std::uint64_t put_in() const { return put_in_; }
  bool empty() const { return size_ == 0; }
  /// The first pieces, for writev; returns how many there are. Valid until the queue changes.
  unsigned int front(std::array<uv_buf_t, kMaxBuffers>& buffers) const;
  /// The first `count` bytes have been written.
  void consume(std::size_t count);
  /// The first chunk, for somebody else to write, who gives it back. The queue must not be empty.
  std::unique_ptr<Chunk> take_front();
  void give_back(std::unique_ptr<Chunk> chunk);
  void clear();

 private:
  Chunk& add_chunk();
  void added(Chunk& chunk, std::size_t count);
  void drop_front();

  ChunkPool& pool_;
  std::list<std::unique_ptr<Chunk>> chunks_;  // a deque would keep half a kilobyte for each idle connection
  std::size_t size_ = 0;
  std::uint64_t put_in_ = 0;
  bool counts_answers_ = false;
  std::size_t answers_ = 0;
  Charge charge_;
};

}  // namespace sallyport::ssh

#include "ssh/transport/output_queue.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sallyport::ssh {

std::unique_ptr<Chunk> ChunkPool::take() {
  if (free_.empty()) return std::unique_ptr<Chunk>{new Chunk};  // not make_unique: that would zero the data
  auto chunk = std::move(free_.back());
  free_.pop_back();
  chunk->begin = chunk->end = chunk->answers = 0;
  return chunk;
}

void ChunkPool::give(std::unique_ptr<Chunk> chunk) {
  if (free_.size() < kKept) free_.push_back(std::move(chunk));
}

Chunk& OutputQueue::add_chunk() {
  charge_.add(sizeof(Chunk));
  return *chunks_.emplace_back(pool_.take());
}

void OutputQueue::added(Chunk& chunk, std::size_t count) {
  chunk.end += count;
  size_ += count;
  put_in_ += count;
  if (!counts_answers_) return;
  chunk.answers += count;
  answers_ += count;
}

void OutputQueue::append(ByteView bytes) {
  while (!bytes.empty()) {
    const bool full = chunks_.empty() || chunks_.back()->end == Chunk::kSize;
    Chunk& chunk = full ? add_chunk() : *chunks_.back();
    const std::size_t count = std::min(bytes.size(), Chunk::kSize - chunk.end);
    std::memcpy(chunk.data.data() + chunk.end, bytes.data(), count);
    added(chunk, count);
    bytes = bytes.subspan(count);
  }
}

std::uint8_t* OutputQueue::reserve(std::size_t size) {
  if (size > Chunk::kSize) return nullptr;
  const bool full = chunks_.empty() || Chunk::kSize - chunks_.back()->end < size;
  Chunk& chunk = full ? add_chunk() : *chunks_.back();
  return chunk.data.data() + chunk.end;
}

void OutputQueue::commit(std::size_t size) { added(*chunks_.back(), size); }

unsigned int OutputQueue::front(std::array<uv_buf_t, kMaxBuffers>& buffers) const {
  unsigned int count = 0;
  for (const auto& chunk : chunks_) {
    if (count == kMaxBuffers) break;
    buffers[count++] = uv_buf_init(reinterpret_cast<char*>(chunk->data.data() + chunk->begin),
                                   static_cast<unsigned int>(chunk->end - chunk->begin));
  }
  return count;
}

void OutputQueue::consume(std::size_t count) {
  size_ -= count;
  while (count > 0) {
    Chunk& chunk = *chunks_.front();
    const std::size_t here = std::min(count, chunk.end - chunk.begin);
    chunk.begin += here;
    count -= here;
    if (chunk.begin == chunk.end) drop_front();
  }
}

std::unique_ptr<Chunk> OutputQueue::take_front() {
  auto chunk = std::move(chunks_.front());
  chunks_.pop_front();
  size_ -= chunk->end - chunk->begin;
  return chunk;
}

void OutputQueue::give_back(std::unique_ptr<Chunk> chunk) {
  charge_.subtract(sizeof(Chunk));
  answers_ -= chunk->answers;
  pool_.give(std::move(chunk));
}

void OutputQueue::drop_front() {
  auto chunk = std::move(chunks_.front());
  chunks_.pop_front();
  give_back(std::move(chunk));
}

void OutputQueue::clear() {
  while (!chunks_.empty()) drop_front();
  size_ = 0;
}

}  // namespace sallyport::ssh

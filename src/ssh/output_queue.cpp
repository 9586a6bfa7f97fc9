#include "ssh/output_queue.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sallyport::ssh {

std::unique_ptr<Chunk> ChunkPool::take() {
  if (free_.empty()) return std::unique_ptr<Chunk>{new Chunk};  // not make_unique: that would zero the data
  auto chunk = std::move(free_.back());
  free_.pop_back();
  chunk->begin = chunk->end = 0;
  return chunk;
}

void ChunkPool::give(std::unique_ptr<Chunk> chunk) {
  if (free_.size() < kKept) free_.push_back(std::move(chunk));
}

void OutputQueue::append(ByteView bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (chunks_.empty() || chunks_.back()->end == Chunk::kSize) chunks_.push_back(pool_.take());
    Chunk& chunk = *chunks_.back();
    const std::size_t count = std::min(bytes.size(), Chunk::kSize - chunk.end);
    std::memcpy(chunk.data.data() + chunk.end, bytes.data(), count);
    chunk.end += count;
    bytes = bytes.subspan(count);
  }
}

std::uint8_t* OutputQueue::reserve(std::size_t size) {
  if (size > Chunk::kSize) return nullptr;
  if (chunks_.empty() || Chunk::kSize - chunks_.back()->end < size) chunks_.push_back(pool_.take());
  Chunk& chunk = *chunks_.back();
  return chunk.data.data() + chunk.end;
}

void OutputQueue::commit(std::size_t size) {
  chunks_.back()->end += size;
  size_ += size;
}

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

void OutputQueue::drop_front() {
  pool_.give(std::move(chunks_.front()));
  chunks_.pop_front();
}

void OutputQueue::clear() {
  while (!chunks_.empty()) drop_front();
  size_ = 0;
}

}  // namespace sallyport::ssh

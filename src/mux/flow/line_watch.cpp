#include "mux/flow/line_watch.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::mux {

void LineWatch::wait(LocalChannel channel) {
  waiting_.push_back(channel);
  if (timer_ != nullptr) return;
  next_look_ = kFirstLook;
  timer_ = clock_.after(next_look_, [this] { run(); });
}

void LineWatch::run() {
  const std::uint64_t now = transport_.acknowledged();
  const bool stands = now == std::exchange(seen_, now) && now < transport_.sent();
  next_look_ = stands ? std::min(2 * next_look_, kLastLook) : kFirstLook;
  looked_at_.swap(waiting_);
  for (const LocalChannel channel : looked_at_) look_(channel);
  looked_at_.clear();
  timer_.reset();
  if (!waiting_.empty()) timer_ = clock_.after(next_look_, [this] { run(); });
}

}  // namespace sallyport::mux

#include "mux/protocol/global_requests.hpp"

#include <utility>

namespace sallyport::mux {

void GlobalRequests::expect(GlobalAnswerEvents& asker) {
  GlobalAnswerEvents* const waiting = &asker;
  asked_.push_back({waiting, clock_.after(kTimeout, [waiting] { waiting->on_global_timeout(); })});
}

void GlobalRequests::forget(GlobalAnswerEvents& asker) {
  for (Asked& asked : asked_)
    if (asked.asker == &asker) asked = {};
}

bool GlobalRequests::on_answer(bool success, ByteView rest) {
  if (asked_.empty()) return false;
  answered_ = true;
  const Asked asked = std::move(asked_.front());
  asked_.pop_front();
  if (asked.asker != nullptr) asked.asker->on_global_answer(success, rest);
  return true;
}

void GlobalRequests::on_lost() {
  while (!asked_.empty()) {
    const Asked asked = std::move(asked_.front());
    asked_.pop_front();
    if (asked.asker != nullptr) asked.asker->on_global_lost();
  }
}

}  // namespace sallyport::mux

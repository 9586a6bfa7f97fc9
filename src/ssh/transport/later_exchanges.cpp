#include "ssh/transport/later_exchanges.hpp"

#include <utility>

namespace sallyport::ssh {

LaterExchanges::~LaterExchanges() {
  if (task_ != nullptr) task_->owner = nullptr;
}

bool LaterExchanges::note(bool going_on) {
  if (going_on == std::exchange(going_on_, going_on)) return false;
  if (going_on) {
    deadline_ = clock_.after(kLimit, [this] { host_.on_exchange_overdue(); });
    return true;
  }
  deadline_.reset();
  next_ = clock_.now() + std::chrono::ceil<Duration>(kRestPerWork * work_);
  work_ = {};
  return true;
}

void LaterExchanges::work_at(ExchangeDesk& desk, const Account* user) {
  if (task_ != nullptr || rest_ != nullptr) return;
  const TimePoint now = clock_.now();
  if (going_on_ || now >= next_) return queue(desk, user);
  rest_ = clock_.after(next_ - now, [this, &desk, user] {
    rest_.reset();
    queue(desk, user);
  });
}

void LaterExchanges::queue(ExchangeDesk& desk, const Account* user) {
  task_ = std::make_shared<ExchangeTask>();
  task_->owner = this;
  task_->user = user;
  desk.queue(task_);
}

void LaterExchanges::withdraw() {
  rest_.reset();
  if (task_ == nullptr || away_) return;
  task_->owner = nullptr;
  task_.reset();
}

void LaterExchanges::stop() {
  withdraw();
  deadline_.reset();
}

void LaterExchanges::give(ExchangeTask& task) {
  away_ = true;
  task.session = host_.give_session(task);
}

void LaterExchanges::take_back(ExchangeTask& task) {
  const std::shared_ptr<ExchangeTask> keep = std::exchange(task_, nullptr);
  away_ = message_waits_ = false;
  work_ += task.spent;
  host_.on_session_back(std::move(task.session), task.output);
}

}  // namespace sallyport::ssh

#include "ssh/transport/exchange_desk.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include "ssh/seam/seam.h"

namespace sallyport::ssh {
namespace {

/// The thread's own time: on a busy machine the rest that follows is no longer for it.
std::chrono::nanoseconds cpu_time() {
  timespec time{};
  static_cast<void>(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time));
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void work_off(Loan& loan) noexcept {
  const auto began = cpu_time();
  spssh_work_off(loan.session.get());
  loan.spent = std::chrono::duration_cast<std::chrono::microseconds>(cpu_time() - began);
}

}  // namespace

void ExchangeDesk::queue(std::shared_ptr<Loan> loan) {
  counter_->waiting.push_back(std::move(loan));
  counter_->serve();
}

// One loan is out at a time: logins have the other thread in between. Users take turns, not connections.
std::shared_ptr<Loan> ExchangeDesk::Counter::next() {
  std::erase_if(waiting, [](const auto& loan) { return loan->lender == nullptr; });
  if (waiting.empty()) return nullptr;
  auto chosen = std::find_if(waiting.begin(), waiting.end(), [this](const auto& loan) { return loan->user != last; });
  if (chosen == waiting.end()) chosen = waiting.begin();
  auto loan = std::move(*chosen);
  waiting.erase(chosen);
  last = loan->user;
  return loan;
}

void ExchangeDesk::Counter::serve() {
  if (busy || closed) return;
  auto loan = next();
  if (loan == nullptr) return;
  busy = true;
  loan->lender->lend(*loan);
  away.post([self = shared_from_this(), loan = std::move(loan)] {
    work_off(*loan);
    self->home.post([self, loan] {
      self->busy = false;
      if (loan->lender != nullptr) loan->lender->take_back(*loan);
      loan->session.reset();  // unless it has been taken back
      self->serve();
    });
  });
}

}  // namespace sallyport::ssh

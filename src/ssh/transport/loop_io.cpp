#include "ssh/transport/loop_io.hpp"

#include <malloc.h>

#include <cstdlib>
#include <utility>

namespace sallyport::ssh {

LoopIo::LoopIo(net::Loop& loop, Clock& clock)
    : loop_(loop),
      clock_(clock),
      lingering_(loop),
      resolver_(loop),
      read_buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(kReadHeadroom + kReadSize)) {
  // None of these allocates or can fail on a loop that works.
  if (!prepare_.open(*this, uv_prepare_init, loop.uv()) || !idle_.open(*this, uv_idle_init, loop.uv()) ||
      uv_prepare_start(prepare_.get(), on_prepare) != 0) {
    std::abort();
  }
  uv_unref(reinterpret_cast<uv_handle_t*>(prepare_.get()));
}

LoopIo::~LoopIo() = default;

void LoopIo::at_end_of_turn(TurnUser& user) {
  if (user.turn_slot_ != TurnUser::kNowhere) return;
  user.turn_slot_ = turn_.size();
  turn_.push_back(&user);
  // An active idle handle keeps the loop from sleeping over what is due.
  if (turn_.size() == 1 && uv_idle_start(idle_.get(), [](uv_idle_t*) noexcept {}) != 0) std::abort();
}

void LoopIo::sweep_later(TurnUser& user) {
  if (user.sweep_slot_ != TurnUser::kNowhere) return;
  user.sweep_slot_ = sweep_.size();
  sweep_.push_back(&user);
  if (!sweep_timer_) sweep_timer_ = clock_.after(kSweepInterval, [this] { run_sweep(); });
}

void LoopIo::forget(TurnUser& user) {
  if (running_ == &user) running_ = nullptr;
  // A slot belongs to the list that is filled or to the one that is being run.
  for (auto* list : {&turn_, &turn_running_}) {
    if (user.turn_slot_ < list->size() && (*list)[user.turn_slot_] == &user) (*list)[user.turn_slot_] = nullptr;
  }
  for (auto* list : {&sweep_, &sweep_running_}) {
    if (user.sweep_slot_ < list->size() && (*list)[user.sweep_slot_] == &user) (*list)[user.sweep_slot_] = nullptr;
  }
  user.turn_slot_ = user.sweep_slot_ = TurnUser::kNowhere;
}

void LoopIo::on_prepare(uv_prepare_t* uv) noexcept { Prepare::call(uv, &LoopIo::run_turn); }

void LoopIo::run_turn() {
  ++turn_number_;
  if (turn_.empty()) return;
  turn_running_.swap(turn_);
  for (std::size_t i = 0; i < turn_running_.size(); ++i) {
    TurnUser* user = std::exchange(turn_running_[i], nullptr);
    if (user == nullptr) continue;
    user->turn_slot_ = TurnUser::kNowhere;
    running_ = user;
    const auto why = net::guarded(loop_.uv(), [user] { user->end_of_turn(); });
    if (why && running_ != nullptr) net::guard(loop_.uv(), [&] { running_->on_exception(*why); });
    running_ = nullptr;
  }
  turn_running_.clear();
  if (turn_.empty() && uv_idle_stop(idle_.get()) != 0) std::abort();
}

void LoopIo::run_sweep() {
  sweep_timer_.reset();
  sweep_running_.swap(sweep_);
  bool freed = false;
  for (std::size_t i = 0; i < sweep_running_.size(); ++i) {
    TurnUser* user = std::exchange(sweep_running_[i], nullptr);
    if (user == nullptr) continue;
    user->sweep_slot_ = TurnUser::kNowhere;
    if (user->sweep()) freed = true;
  }
  sweep_running_.clear();
  if (freed) trim_later();
}

void LoopIo::trim_later() {
  if (trim_timer_) return;
  trim_timer_ = clock_.after(kTrimInterval, [this] {
    trim_timer_.reset();
    ::malloc_trim(0);
  });
}

}  // namespace sallyport::ssh

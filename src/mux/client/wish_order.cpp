#include "mux/client/wish_order.hpp"

#include <algorithm>
#include <list>
#include <utility>

#include "mux/protocol/global_requests.hpp"
#include "mux/upstream/pool.hpp"
#include "mux/upstream/trunk.hpp"

namespace sallyport::mux {

struct WishOrder::Queue {
  struct Gone {
    std::uint64_t number;
    std::optional<TrunkId> trunk;
    bool is_wanted = true;  // of those that aren't, a later one on the same trunk stands for the earlier ones
  };
  std::uint64_t last_number = 0;
  std::list<Entry*> waiting;    // to go, the first one next; a deque would keep half a kilobyte for each client
  std::vector<Gone> under_way;  // have gone, and nobody knows whether they have arrived
  std::vector<std::unique_ptr<Fence>> fences;
  std::unique_ptr<Timer> look;
  bool looking = false;
};

/// A question on a trunk, behind wishes that have gone there: the answer says that these have been read. Where none may be asked,
/// the time alone decides.
class WishOrder::Fence final : public GlobalAnswerEvents {
 public:
  Fence(WishOrder& order, Queue& queue, TrunkId on, Trunk& asked)
      : trunk(on),
        order_(order),
        queue_(queue),
        behind_(queue.waiting.front()->number_),
        deadline_(order.clock_.after(kFenceTime, [this] { pass(); })) {
    if (!asked.spares_questions()) asked.ask("keepalive@openssh.com", {}, *this);
  }
  ~Fence() override {
    if (Trunk* const asked = order_.pool_.find(trunk)) asked->forget(*this);
  }

  void on_global_answer(bool, ByteView) override { pass(); }
  void on_global_timeout() override { pass(); }
  void on_global_lost() override { pass(); }  // and so is what went there

  const TrunkId trunk;

 private:
  void pass() { order_.pass(queue_, trunk, behind_); }

  WishOrder& order_;
  Queue& queue_;
  const std::uint64_t behind_;  // it was asked behind all earlier ones
  std::unique_ptr<Timer> deadline_;
};

WishOrder::WishOrder(Pool& pool, Clock& clock) : pool_(pool), clock_(clock) {}
WishOrder::~WishOrder() = default;

std::unique_ptr<WishOrder::Entry> WishOrder::enter(const std::string& target, std::function<void()> on_turn) {
  std::unique_ptr<Queue>& queue = queues_[target];
  if (queue == nullptr) queue = std::make_unique<Queue>();
  std::unique_ptr<Entry> wish(new Entry(*this, *queue, ++queue->last_number, std::move(on_turn)));
  queue->waiting.push_back(wish.get());
  return wish;
}

void WishOrder::look_soon(Queue& queue) {
  if (queue.waiting.empty() || queue.look != nullptr || queue.looking) return;
  queue.look = clock_.after(Duration::zero(), [this, &queue] { look(queue); });
}

void WishOrder::look(Queue& queue) {
  queue.look.reset();
  queue.looking = true;
  // Each that goes makes way for the next one.
  for (std::uint64_t asked = 0; !queue.waiting.empty() && queue.waiting.front()->number_ != asked;) {
    asked = queue.waiting.front()->number_;
    const auto on_turn = queue.waiting.front()->on_turn_;  // it may destroy the wish
    on_turn();
  }
  queue.looking = false;
}

void WishOrder::leave(Entry& wish, bool arrived) {
  Queue& queue = wish.queue_;
  std::erase(queue.waiting, &wish);
  const bool may_come_yet = !arrived && wish.gone_ && wish.trunk_;
  std::erase_if(queue.under_way, [&wish, may_come_yet](Queue::Gone& gone) {
    if (gone.number == wish.number_) {
      gone.is_wanted = false;
      return !may_come_yet;
    }
    return may_come_yet && !gone.is_wanted && gone.trunk == wish.trunk_ && gone.number < wish.number_;
  });
  look_soon(queue);
}

void WishOrder::pass(Queue& queue, TrunkId trunk, std::uint64_t before) {
  std::erase_if(queue.under_way,
                [trunk, before](const Queue::Gone& gone) { return gone.trunk == trunk && gone.number < before; });
  const auto fence =
      std::find_if(queue.fences.begin(), queue.fences.end(), [trunk](const auto& one) { return one->trunk == trunk; });
  const std::unique_ptr<Fence> passed = std::move(*fence);  // it is on the stack, and goes last
  queue.fences.erase(fence);
  look_soon(queue);
}

void WishOrder::ask_behind(Queue& queue, TrunkId trunk) {
  const auto same = [trunk](const auto& fence) { return fence->trunk == trunk; };
  if (std::any_of(queue.fences.begin(), queue.fences.end(), same)) return;
  if (Trunk* const on = pool_.find(trunk)) {  // what is being said goodbye to still reads what was sent before
    queue.fences.push_back(std::make_unique<Fence>(*this, queue, trunk, *on));
    return;
  }
  // The trunk is gone, and with it what nobody can wait for.
  std::erase_if(queue.under_way, [trunk](const Queue::Gone& gone) { return gone.trunk == trunk; });
}

WishOrder::Entry::Entry(WishOrder& order, Queue& queue, std::uint64_t number, std::function<void()> on_turn)
    : order_(order), queue_(queue), number_(number), on_turn_(std::move(on_turn)) {}

WishOrder::Entry::~Entry() { order_.leave(*this, false); }

void WishOrder::Entry::arrive(std::unique_ptr<Entry>& wish) {
  if (wish == nullptr) return;
  wish->order_.leave(*wish, true);
  wish->gone_ = false;  // nothing of it is under way any more
  wish.reset();
}

bool WishOrder::Entry::may_go(std::optional<TrunkId> trunk) {
  if (gone_) return true;
  if (queue_.waiting.front() != this) return false;
  const auto elsewhere = [trunk](const Queue::Gone& gone) { return !gone.trunk || gone.trunk != trunk; };
  std::vector<TrunkId> others;
  for (const Queue::Gone& gone : queue_.under_way)
    if (gone.trunk && elsewhere(gone) && std::find(others.begin(), others.end(), *gone.trunk) == others.end())
      others.push_back(*gone.trunk);
  for (const TrunkId other : others) order_.ask_behind(queue_, other);
  return std::none_of(queue_.under_way.begin(), queue_.under_way.end(), elsewhere);
}

void WishOrder::Entry::note_gone(std::optional<TrunkId> trunk) {
  trunk_ = trunk;
  if (std::exchange(gone_, true))
    std::erase_if(queue_.under_way, [this](const Queue::Gone& gone) { return gone.number == number_; });
  std::erase(queue_.waiting, this);
  queue_.under_way.push_back({number_, trunk});
  order_.look_soon(queue_);
}

void WishOrder::Entry::plan(TrunkId trunk) {
  if (!gone_) trunk_ = trunk;
}

std::optional<TrunkId> WishOrder::Entry::beside() const {
  const auto before = [this](const Entry* wish) { return wish->number_ < number_ && wish->trunk_; };
  const auto last = std::find_if(queue_.waiting.rbegin(), queue_.waiting.rend(), before);
  if (last != queue_.waiting.rend()) return (*last)->trunk_;
  return queue_.under_way.empty() ? std::nullopt : queue_.under_way.back().trunk;
}

}  // namespace sallyport::mux

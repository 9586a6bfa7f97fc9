// One client's wishes at its targets, which take effect there in the order in which it has sent them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>

namespace sallyport::mux {

class Pool;

/// On a connection of its own, what a client asks of a server is done in the order in which it is asked for: a program that
/// is started, a connection that is forwarded, a port to listen on, its cancellation. Here each of these is a wish, with a
/// place in the order from the moment when it was heard until it is known to have reached the target.
///
/// A wish *goes* when the message is sent that has the effect, and never before all earlier ones at the same target have gone
/// or have come to nothing. On one trunk that is enough, for a server takes its messages one by one. Where an earlier
/// one has gone over another trunk it must have *arrived* as well: it has been answered, or a question that was asked behind
/// it on that trunk has been (the fence). What costs nothing waits for nothing: opening a session changes nothing yet, nor
/// does the login of a trunk.
class WishOrder {
 public:
  /// A target that doesn't answer the question holds nobody up for longer: order is worth a delay, not a standstill.
  static constexpr Duration kFenceTime = std::chrono::seconds(2);

  class Entry;

  /// Both outlive it, and it outlives its wishes.
  WishOrder(Pool& pool, Clock& clock);
  ~WishOrder();
  WishOrder(const WishOrder&) = delete;
  WishOrder& operator=(const WishOrder&) = delete;

  /// The newest wish at `target`. `on_turn` is called, on a turn of its own, each time that it is worth asking may_go()
  /// again; it may destroy the wish.
  [[nodiscard]] std::unique_ptr<Entry> enter(const std::string& target, std::function<void()> on_turn);

 private:
  class Fence;
  struct Queue;

  void look_soon(Queue& queue);
  void look(Queue& queue);
  /// The wish ends; `arrived` or before.
  void leave(Entry& wish, bool arrived);
  /// What has gone there with a number below that has arrived.
  void pass(Queue& queue, TrunkId trunk, std::uint64_t before);
  void ask_behind(Queue& queue, TrunkId trunk);

  Pool& pool_;
  Clock& clock_;
  std::map<std::string, std::unique_ptr<Queue>> queues_;  // by target; as many as the client's route leads to
};

/// Destroying it is its end: nobody wants it any more. One that has gone by then may still be on its way, and what comes behind
/// it stays behind it.
class WishOrder::Entry {
 public:
  ~Entry();
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  /// Whether it may go now over that trunk, which has been chosen for it; absent: over one that isn't known yet, or to an
  /// end on the bastion, so that all that was before must have arrived.
  bool may_go(std::optional<TrunkId> trunk);
  /// It goes over that trunk, or once more over another one. Absent: to an end on the bastion.
  void note_gone(std::optional<TrunkId> trunk);
  /// It will go over that trunk, unless something happens to it: the ones behind had best go there too.
  void plan(TrunkId trunk);
  /// The end has said something that it can't have said before it had got this. Ends the wish.
  static void arrive(std::unique_ptr<Entry>& wish);
  /// Where the ones before it have gone or will go, the last one's; absent: nobody knows.
  std::optional<TrunkId> beside() const;

 private:
  friend class WishOrder;
  Entry(WishOrder& order, Queue& queue, std::uint64_t number, std::function<void()> on_turn);

  WishOrder& order_;
  Queue& queue_;
  const std::uint64_t number_;
  const std::function<void()> on_turn_;
  bool gone_ = false;
  std::optional<TrunkId> trunk_;  // once it has gone, or is planned
};

}  // namespace sallyport::mux

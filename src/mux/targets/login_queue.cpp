#include "mux/targets/login_queue.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::mux {
namespace {

std::size_t count_of(const std::map<std::string, std::size_t>& counts, const std::string& user) {
  const auto entry = counts.find(user);
  return entry == counts.end() ? 0 : entry->second;
}

}  // namespace

LoginQueue::Turn::Turn(LoginQueue& queue, std::string address, std::string user, std::function<void()> begin)
    : queue_(queue), address_(std::move(address)), user_(std::move(user)), begin_(std::move(begin)) {}

LoginQueue::Turn::~Turn() { queue_.leave(*this); }

std::unique_ptr<LoginQueue::Turn> LoginQueue::ask(std::string address, std::string user, std::function<void()> begin) {
  Place& place = places_[address];
  std::unique_ptr<Turn> turn(new Turn(*this, std::move(address), std::move(user), std::move(begin)));
  if (place.waiting.empty() && has_room(place, turn->user_)) {
    admit(place, *turn);
    return turn;
  }
  place.waiting.push_back(turn.get());
  // The others may wait for a user's own places to get free, which this one needn't.
  if (has_room(place, turn->user_)) serve_at(place, turn->address_, clock_.now());
  return turn;
}

std::size_t LoginQueue::waiting(const std::string& address) const {
  const auto place = places_.find(address);
  return place == places_.end() ? 0 : place->second.waiting.size();
}

bool LoginQueue::has_room(const Place& place, const std::string& user) const {
  const std::size_t for_one = std::max<std::size_t>(at_a_time_ - at_a_time_ / 4, 1);
  return place.logging_in < at_a_time_ && count_of(place.logging_in_of, user) < for_one;
}

LoginQueue::Turn* LoginQueue::next(const Place& place) const {
  Turn* best = nullptr;
  for (Turn* turn : place.waiting) {
    if (!has_room(place, turn->user_)) continue;
    if (best == nullptr || count_of(place.logging_in_of, turn->user_) < count_of(place.logging_in_of, best->user_)) best = turn;
  }
  return best;
}

void LoginQueue::admit(Place& place, Turn& turn) {
  ++place.logging_in;
  ++place.logging_in_of[turn.user_];
  turn.has_come_ = true;
}

void LoginQueue::set_free(Place& place, const std::string& user) {
  const auto entry = place.logging_in_of.find(user);
  if (entry == place.logging_in_of.end()) return;
  --place.logging_in;
  if (--entry->second == 0) place.logging_in_of.erase(entry);
}

void LoginQueue::leave(Turn& turn) {
  const auto entry = places_.find(turn.address_);
  if (entry == places_.end()) return;
  Place& place = entry->second;
  if (!turn.has_come_) {
    place.waiting.remove(&turn);
    return serve_at(place, turn.address_, clock_.now());  // perhaps nobody needs the place any more
  }
  if (turn.settled_) {
    set_free(place, turn.user_);
    return serve_at(place, turn.address_, clock_.now());
  }
  place.settling.push_back({clock_.now() + kSettling, turn.user_});
  serve_at(place, turn.address_, place.settling.front().free_at);
}

void LoginQueue::serve_at(Place& place, const std::string& address, TimePoint when) {
  if (place.serving != nullptr && place.serving_at <= when) return;
  place.serving_at = when;
  place.serving = clock_.after(when - clock_.now(), [this, address] { serve(address); });
}

void LoginQueue::serve(std::string address) {  // by value: the timer that holds it goes here
  if (const auto entry = places_.find(address); entry != places_.end()) entry->second.serving.reset();
  for (;;) {
    // What begins may fail at once and give its place back: everything is looked up again each time.
    const auto entry = places_.find(address);
    if (entry == places_.end()) return;
    Place& place = entry->second;
    while (!place.settling.empty() && place.settling.front().free_at <= clock_.now()) {
      set_free(place, place.settling.front().user);
      place.settling.pop_front();
    }
    Turn* turn = next(place);
    if (turn == nullptr) {
      if (!place.settling.empty()) serve_at(place, address, place.settling.front().free_at);
      if (place.logging_in == 0 && place.waiting.empty()) places_.erase(entry);
      return;
    }
    place.waiting.remove(turn);
    admit(place, *turn);
    const std::function<void()> begin = std::move(turn->begin_);
    begin();
  }
}

}  // namespace sallyport::mux

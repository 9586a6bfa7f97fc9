#include "auth/limits/penalty_box.hpp"

#include <algorithm>
#include <tuple>

namespace sallyport::auth {

std::string_view to_string(Offence offence) {
  switch (offence) {
    case Offence::no_auth: return "no authentication";
    case Offence::auth_failure: return "failed authentication";
    case Offence::grace_exceeded: return "login grace time exceeded";
    case Offence::crash: return "broken protocol";
    case Offence::none: break;
  }
  return "none";
}

void PenaltyBox::configure(const Penalties& settings) {
  settings_ = settings;
  exempt_.clear();
  for (const std::string& text : settings.exempt)
    if (const auto network = config::parse_network(text)) exempt_.push_back(*network);
  if (!settings.enabled) lift_all();
}

bool PenaltyBox::is_exempt(std::string_view address) const {
  const auto ip = config::parse_ip(address);
  return ip &&
         std::any_of(exempt_.begin(), exempt_.end(), [&ip](const config::Network& network) { return network.contains(*ip); });
}

Duration PenaltyBox::cost_of(Offence offence) const {
  switch (offence) {
    case Offence::no_auth: return settings_.no_auth;
    case Offence::auth_failure: return settings_.auth_failure;
    case Offence::grace_exceeded: return settings_.grace_exceeded;
    case Offence::crash: return settings_.crash;
    case Offence::none: break;
  }
  return Duration::zero();
}

void PenaltyBox::forget(Map::iterator entry) {
  order_of(entry->second).erase({entry->second.until, entry->first});
  penalties_.erase(entry);
}

void PenaltyBox::forget_expired(TimePoint now) {
  for (const ByEnd* order : {&counting_, &active_})
    while (!order->empty() && order->begin()->first <= now) forget(penalties_.find(order->begin()->second));
}

std::optional<PenaltyBox::Entry> PenaltyBox::add(const std::string& source, std::string_view address, Offence offence,
                                                 TimePoint now) {
  const Duration cost = cost_of(offence);
  if (!settings_.enabled || cost <= Duration::zero() || is_exempt(address)) return std::nullopt;
  forget_expired(now);
  auto entry = penalties_.find(source);
  if (entry == penalties_.end()) {
    // Whoever has many addresses must not let out one of them with the others.
    if (penalties_.size() >= settings_.max_sources)
      forget(penalties_.find((counting_.empty() ? active_ : counting_).begin()->second));
    entry = penalties_.emplace(source, Penalty{now, false, offence, 0}).first;
  } else {
    order_of(entry->second).erase({entry->second.until, source});
  }
  Penalty& penalty = entry->second;
  penalty.until = std::min(std::max(penalty.until, now) + cost, now + settings_.max);
  penalty.last = offence;
  ++penalty.offences;
  const bool activated = !penalty.active && penalty.until - now >= settings_.min;
  penalty.active = penalty.active || activated;
  order_of(penalty).insert({penalty.until, source});
  if (!activated) return std::nullopt;
  return Entry{source, std::chrono::duration_cast<Duration>(penalty.until - now), true, offence, penalty.offences};
}

bool PenaltyBox::keeps_out(const std::string& source, std::string_view address, TimePoint now) {
  const auto entry = penalties_.find(source);
  if (entry == penalties_.end()) return false;
  if (entry->second.until <= now) {
    forget(entry);
    return false;
  }
  return entry->second.active && !is_exempt(address);
}

std::vector<PenaltyBox::Entry> PenaltyBox::entries(TimePoint now) const {
  std::vector<Entry> found;
  for (const auto& [source, penalty] : penalties_) {
    if (penalty.until <= now) continue;
    const Duration left = std::chrono::duration_cast<Duration>(penalty.until - now);
    found.push_back({source, left, penalty.active, penalty.last, penalty.offences});
  }
  std::sort(found.begin(), found.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.left, a.source) > std::tie(b.left, b.source); });
  return found;
}

std::size_t PenaltyBox::lift(const std::string& source) {
  const auto entry = penalties_.find(source);
  if (entry == penalties_.end()) return 0;
  forget(entry);
  return 1;
}

std::size_t PenaltyBox::lift_all() {
  const std::size_t count = penalties_.size();
  penalties_.clear();
  counting_.clear();
  active_.clear();
  return count;
}

}  // namespace sallyport::auth

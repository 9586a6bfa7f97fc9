#include "auth/penalty_box.hpp"

#include <algorithm>

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
  return ip && std::any_of(exempt_.begin(), exempt_.end(), [&ip](const config::Network& network) { return network.contains(*ip); });
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
  by_end_.erase({entry->second.until, entry->first});
  penalties_.erase(entry);
}

void PenaltyBox::forget_expired(TimePoint now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) forget(penalties_.find(by_end_.begin()->second));
}

std::optional<PenaltyBox::Entry> PenaltyBox::add(const std::string& source, std::string_view address, Offence offence,
                                                 TimePoint now) {
  const Duration cost = cost_of(offence);
  if (!settings_.enabled || cost <= Duration::zero() || is_exempt(address)) return std::nullopt;
  forget_expired(now);
  auto entry = penalties_.find(source);
  if (entry == penalties_.end()) {
    if (penalties_.size() >= settings_.max_sources) forget(penalties_.find(by_end_.begin()->second));
    entry = penalties_.emplace(source, Penalty{now, false, offence, 0}).first;
  } else {
    by_end_.erase({entry->second.until, source});
  }
  Penalty& penalty = entry->second;
  penalty.until = std::min(std::max(penalty.until, now) + cost, now + settings_.max);
  penalty.last = offence;
  ++penalty.offences;
  by_end_.insert({penalty.until, source});
  const bool activated = !penalty.active && penalty.until - now >= settings_.min;
  if (!activated) return std::nullopt;
  penalty.active = true;
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
  for (auto it = by_end_.rbegin(); it != by_end_.rend() && it->first > now; ++it) {
    const Penalty& penalty = penalties_.at(it->second);
    found.push_back({it->second, std::chrono::duration_cast<Duration>(it->first - now), penalty.active, penalty.last, penalty.offences});
  }
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
  by_end_.clear();
  return count;
}

}  // namespace sallyport::auth

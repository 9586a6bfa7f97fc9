// Sources that are kept out for a while because of what they did, as sshd's PerSourcePenalties.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>

#include "match/match.hpp"

namespace sallyport::auth {

/// How a connection ended that didn't become a login.
enum class Offence : std::uint8_t {
  none,
  no_auth,         ///< it went without an attempt
  auth_failure,    ///< every attempt was refused
  grace_exceeded,  ///< its time was over
  crash,           ///< what it sent was no SSH, or broke the protocol
};

std::string_view to_string(Offence offence);

/// Time that is left to a source. Pure: the caller has the clock.
class PenaltyBox {
 public:
  struct Entry {
    std::string source;  ///< a block, see source_block.hpp
    Duration left{};
    bool active = false;  ///< it is kept out; else the sum is still below the minimum
    Offence last = Offence::none;
    std::uint64_t offences = 0;
  };

  void configure(const Penalties& settings);

  /// Adds to the source's penalty what the offence costs, up to the maximum. `address` decides whether it is exempt. Beyond
  /// max_sources the one whose time is over first is forgotten, one that is kept out only when all are. Returns the entry if
  /// this made it active.
  std::optional<Entry> add(const std::string& source, std::string_view address, Offence offence, TimePoint now);
  /// Whether the source is kept out.
  bool keeps_out(const std::string& source, std::string_view address, TimePoint now);

  /// Those whose time isn't over, the longest first.
  std::vector<Entry> entries(TimePoint now) const;
  /// Forgets a source, or all of them. Returns how many there were.
  std::size_t lift(const std::string& source);
  std::size_t lift_all();

 private:
  struct Penalty {
    TimePoint until;
    bool active = false;
    Offence last = Offence::none;
    std::uint64_t offences = 0;
  };
  using Map = std::map<std::string, Penalty>;

  bool is_exempt(std::string_view address) const;
  Duration cost_of(Offence offence) const;
  void forget(Map::iterator entry);
  void forget_expired(TimePoint now);

  Penalties settings_;
  std::vector<config::Network> exempt_;
  Map penalties_;
  using ByEnd = std::set<std::pair<TimePoint, std::string>>;
  /// Those that are kept out, and those that aren't yet.
  ByEnd& order_of(const Penalty& penalty) { return penalty.active ? active_ : counting_; }

  ByEnd counting_;
  ByEnd active_;
};

}  // namespace sallyport::auth

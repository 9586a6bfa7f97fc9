// Logins that break at a point of somebody's choice: a peer that speaks SSH, and leaves, resets, stalls or talks
// nonsense when it is told to; and a user of ours who gives up, or answers twice, at any of its callbacks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>

#include "ssh/transport/loop_io.hpp"

namespace sallyport::fakes {

/// What decides: a generator's numbers or, for a fuzzer, the bytes of its input, and zeros behind them.
class Choices {
 public:
  explicit Choices(std::uint32_t seed) : random_(std::in_place, seed) {}
  explicit Choices(ByteView input) : input_(input) {}
  /// A number from 0 to count - 1.
  std::uint32_t below(std::uint32_t count);
  bool one_in(std::uint32_t count) { return below(count) == count - 1; }
  /// Nothing is left of the input.
  bool exhausted() const { return !random_ && input_.empty(); }

 private:
  std::optional<std::minstd_rand> random_;
  ByteView input_;
};

/// Our role in the login that breaks.
enum class OurRole : std::uint8_t { server, client };

/// What has happened over many logins, so that a test can show that it has been everywhere.
struct BrokenLoginCounts {
  std::uint64_t logged_in = 0;
  std::uint64_t failed = 0;
  std::uint64_t transport_ended = 0;
  std::uint64_t given_up = 0;
  std::uint64_t breaks = 0;
  std::uint64_t exceptions = 0;            ///< that were thrown in callbacks
  std::atomic<std::uint64_t> stopped = 0;  ///< … and that a guard has stopped
};

/// Makes logins, one behind the other, and breaks them. Keys and files are made once.
class BrokenLogins {
 public:
  /// The cryptography is done on a loop of its own and in real time when `on_thread`; otherwise on one loop, whose time
  /// stands still but for what is chosen.
  explicit BrokenLogins(bool on_thread = false);
  ~BrokenLogins();

  /// One login from its beginning until nothing is left of it. What was wrong; empty: nothing. That is: exactly one end
  /// was told, nothing behind it, and nothing waits for ever.
  std::string run(OurRole role, Choices& choices);
  const BrokenLoginCounts& counts() const;
  /// Ends the loop; what was left open in it.
  std::string close();

 private:
  class World;
  class Login;
  std::unique_ptr<World> world_;
};

}  // namespace sallyport::fakes

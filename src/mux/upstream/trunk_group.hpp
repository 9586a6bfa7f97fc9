// The trunks of one share key, and the client connections that use them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>

#include "mux/admission/share_key.hpp"
#include "mux/targets/trunk_use.hpp"

namespace sallyport::mux {

class PooledTrunk;
struct PoolParts;

class TrunkGroup {
 public:
  /// `parts` outlives it.
  TrunkGroup(PoolParts& parts, const ShareKey& key);
  ~TrunkGroup();
  TrunkGroup(const TrunkGroup&) = delete;
  TrunkGroup& operator=(const TrunkGroup&) = delete;

  const ShareKey& key() const { return key_; }
  const std::vector<std::unique_ptr<PooledTrunk>>& trunks() const { return trunks_; }
  bool empty() const { return trunks_.empty() && clients_.empty(); }

  /// The ready trunk that is best for that use by that client connection: the least used, for a server does all the work of a
  /// connection in one process. Null when there is none with room.
  PooledTrunk* ready_for(const TrunkUse& use, const std::optional<ConnectionId>& client) const;
  /// A trunk that is not ready yet and will have room for it; null when another one should be begun.
  PooledTrunk* coming_for(const TrunkUse& use, const std::optional<ConnectionId>& client) const;
  /// Those that are not being closed.
  std::size_t size() const;
  /// How long a trunk that has been idle since then is kept.
  TimePoint kept_until(TimePoint idle_since, const Options& options) const;
  /// Whether that idle trunk is one of the spare ones that are to be there.
  bool keeps(const PooledTrunk& trunk) const;
  /// Sees, on a turn of its own, that there are as many spare trunks as there should be.
  void tend_soon();
  /// A trunk was lost, or didn't come about, without anybody having used it: spare ones are replaced ever more slowly.
  void note_loss();
  /// A client has got a channel.
  void note_use();
  /// No spare trunks before the next use.
  void let_cool() { warm_ = 0; }

  /// Begins one, for which nobody waits yet.
  PooledTrunk& add(const UpstreamClient& client);
  /// Null when it isn't one of these.
  [[nodiscard]] std::unique_ptr<PooledTrunk> take_out(PooledTrunk& trunk);

  void add_client(ConnectionId client) { clients_.insert(client); }
  void remove_client(ConnectionId client);

 private:
  bool better(const PooledTrunk& trunk, const PooledTrunk& other) const;
  /// A trunk of this key has logged in and is still there: the credential is good.
  bool proven() const;
  /// Trunks that are ready, or will be, and that nobody uses.
  std::size_t spares() const;
  void tend();

  PoolParts& parts_;
  ShareKey key_;
  std::vector<std::unique_ptr<PooledTrunk>> trunks_;
  std::set<ConnectionId> clients_;  // that have asked for a channel here, and are still there
  TimePoint clients_left_;          // when the last one went
  std::size_t warm_ = 0;            // spare trunks wanted
  Duration pause_{};                // before a lost spare one is replaced
  TimePoint not_before_;
  std::unique_ptr<Timer> tending_;
};

}  // namespace sallyport::mux

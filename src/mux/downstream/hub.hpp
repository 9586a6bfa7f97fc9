// All that is open: the clients' connections and the trunks that carry their channels.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/connections.hpp>

#include "mux/downstream/link.hpp"
#include "mux/session/unattended.hpp"
#include "mux/upstream/pool.hpp"

namespace sallyport::mux {

/// What is configured for connections that begin from now on.
struct HubSettings {
  std::uint32_t channels_per_connection = 256;  ///< sessions
  std::uint32_t forwarded_per_connection = 1024;
  std::uint32_t forwards_per_connection = 64;      ///< ports and sockets that targets listen on
  std::uint32_t channel_window = 4 * 1024 * 1024;  ///< bytes that a peer may send ahead on one channel
  HeldLimits held;                                 ///< and more where `channel_window` needs it
  std::uint32_t trunks_per_user = 100;
  std::uint32_t waiting_channels = 1000;  ///< for one trunk that is still connecting
  std::uint32_t logins_per_target = 8;    ///< at a time, at one address
};

/// Owns the links, and the pool of trunks.
class Hub final : public Connections, private LinkEvents {
 public:
  Hub(Clock& clock, Journal& journal, UpstreamConnector& connector, ProcessLauncher& processes, StreamConnector& streams,
      const HubSettings& settings);
  ~Hub() override;

  /// After a reload too: pauses of logins end, for what was at fault may have been repaired.
  void configure(const HubSettings& settings);
  /// The client's connection protocol begins.
  void admit(Admission client, std::unique_ptr<Transport> transport, const KeepaliveSettings& keepalive);
  std::size_t connection_count() const { return links_.size(); }
  /// Bytes that are held for all connections and trunks of that user.
  std::size_t held_for(const std::string& user) const { return pool_.accounts().held(user); }
  /// Those that are there, ascending.
  std::vector<ConnectionId> connection_ids() const;
  /// What is known of one of them; null when it has gone. Not to be kept.
  const Admission* client(ConnectionId id) const;
  bool empty() const { return links_.empty() && pool_.trunk_count() == 0; }

  /// No new channels; a connection ends when it has none left. With the last client what it has left behind at targets is given
  /// up. `then` is called once the last connection has ended.
  void drain(std::function<void()> then);
  /// Says goodbye to every client and target now.
  void end_all(std::string_view reason);

  // Connections: all but check_trunks() is answered inside the call
  void counts(Done<OpenCounts> done) override;
  void connections(Done<std::vector<ConnectionRow>> done) override;
  void channels(Done<std::vector<ChannelRow>> done) override;
  void trunks(Done<std::vector<TrunkRow>> done) override;
  void forwards(Done<std::vector<ForwardRow>> done) override;
  void end_connection(ConnectionId id, std::string_view reason, Done<Result<>> done) override;
  void end_connections_of(std::string_view user, std::string_view reason, Done<Result<std::size_t>> done) override;
  void end_channel(ChannelId id, std::string_view reason, Done<Result<>> done) override;
  void stop_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) override;
  void end_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) override;
  void renew_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) override;
  void check_trunks(const TrunkSelection& which, Done<TargetCheck> done) override;

 private:
  ChannelId next_channel_id() override { return ChannelId{++last_channel_}; }
  ForwardId next_forward_id() override { return ForwardId{++last_forward_}; }
  std::string_view refuses_channels() const override;
  void on_link_closed(Link& link) override;
  void look_whether_drained();
  /// Ascending by id.
  template <typename Row>
  std::vector<Row> rows_of_links() const;
  Connection::Credit credit() const;

  Clock& clock_;
  Graveyard graveyard_;
  HubSettings settings_;
  Journal& journal_;
  Pool pool_;
  RateLimiter rates_;
  Unattended unattended_{pool_, graveyard_, journal_};
  Services services_;
  std::uint64_t last_channel_ = 0;
  std::uint64_t last_forward_ = 0;
  std::map<ConnectionId, std::unique_ptr<Link>> links_;
  bool draining_ = false;
  std::function<void()> drained_;
  std::unique_ptr<Timer> drain_look_;
};

}  // namespace sallyport::mux

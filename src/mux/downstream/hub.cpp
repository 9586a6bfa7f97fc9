#include "mux/downstream/hub.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::mux {
namespace {

constexpr Duration kDrainLook = std::chrono::milliseconds(100);
constexpr const char* kNoTrunk = "there is no such trunk";

/// A client that stops reading is in its right: what its channels were granted then, and a little more, must be held.
HeldLimits held_limits(const HubSettings& settings) {
  HeldLimits held = settings.held;
  held.per_connection = std::max<std::size_t>(held.per_connection, std::size_t{2} * settings.channel_window);
  held.per_user = std::max(held.per_user, held.per_connection);
  return held;
}

PoolLimits pool_limits(const HubSettings& settings, const Connection::Credit& credit) {
  return {settings.trunks_per_user, settings.waiting_channels, settings.logins_per_target, credit, held_limits(settings)};
}

Result<std::size_t> unless_none(std::size_t count, const char* none) {
  if (count == 0) return fail(Errc::not_found, none);
  return count;
}

}  // namespace

Connection::Credit Hub::credit() const {
  return {.each = settings_.channel_window, .in_all = settings_.channel_window + settings_.channel_window / 2};
}

Hub::Hub(Clock& clock, Journal& journal, UpstreamConnector& connector, ProcessLauncher& processes, StreamConnector& streams,
         const HubSettings& settings)
    : clock_(clock),
      graveyard_(clock),
      settings_(settings),
      journal_(journal),
      pool_(connector, clock, graveyard_, journal, pool_limits(settings, credit())),
      services_{clock, graveyard_, journal, pool_, processes, streams, rates_, unattended_} {}

Hub::~Hub() {
  // What links leave behind gives back what it has of the pool, so it goes before the pool does.
  links_.clear();
  graveyard_.empty();
}

void Hub::configure(const HubSettings& settings) {
  settings_ = settings;
  pool_.set_limits(pool_limits(settings, credit()));
  pool_.end_pauses();
}

void Hub::admit(Admission client, std::unique_ptr<Transport> transport, const KeepaliveSettings& keepalive) {
  const ConnectionId id = client.id;
  auto account = pool_.accounts().of_connection(client.user);
  links_[id] = std::make_unique<Link>(services_, std::move(client), std::move(transport),
                                      Link::Settings{keepalive, credit(), std::move(account), settings_.channels_per_connection,
                                                     settings_.forwarded_per_connection, settings_.forwards_per_connection},
                                      static_cast<LinkEvents&>(*this));
}

std::string_view Hub::refuses_channels() const {
  if (draining_) return "the bastion is draining";
  if (!journal_.healthy()) return "the bastion can't write its audit trail";
  return {};
}

void Hub::on_link_closed(Link& link) {
  pool_.client_left(link.client().user, link.client().id);
  const auto entry = links_.find(link.client().id);
  if (entry == links_.end()) return;
  graveyard_.bury(std::move(entry->second));
  links_.erase(entry);
}

void Hub::drain(std::function<void()> then) {
  draining_ = true;
  drained_ = std::move(then);
  pool_.drain("the bastion is draining");
  look_whether_drained();
}

void Hub::look_whether_drained() {
  for (const auto& [id, link] : links_)
    if (link->channels_in_use() == 0) link->disconnect(DisconnectReason::by_application, "the bastion is draining");
  // The sessions that trunks still carry then are nobody's: a target keeps them open for as long as their programs run.
  if (links_.empty()) pool_.end_left_behind("the bastion is draining");
  if (empty() && drained_) return std::exchange(drained_, nullptr)();
  drain_look_ = clock_.after(kDrainLook, [this] { look_whether_drained(); });
}

void Hub::end_all(std::string_view reason) {
  for (const auto& [id, link] : links_) link->disconnect(DisconnectReason::by_application, reason);
  pool_.end_all(reason);
}

std::vector<ConnectionId> Hub::connection_ids() const {
  std::vector<ConnectionId> ids;
  ids.reserve(links_.size());
  for (const auto& [id, link] : links_) ids.push_back(id);
  return ids;
}

const Admission* Hub::client(ConnectionId id) const {
  const auto entry = links_.find(id);
  return entry == links_.end() ? nullptr : &entry->second->client();
}

void Hub::counts(Done<OpenCounts> done) {
  OpenCounts counts{.connections = links_.size(), .trunks = pool_.trunk_count()};
  for (const auto& [id, link] : links_) {
    counts.channels += link->open_channels();
    counts.forwards += link->open_forwards();
  }
  done(counts);
}

void Hub::connections(Done<std::vector<ConnectionRow>> done) {
  std::vector<ConnectionRow> rows;
  rows.reserve(links_.size());
  for (const auto& [id, link] : links_) rows.push_back(link->row());
  done(std::move(rows));
}

void Hub::channels(Done<std::vector<ChannelRow>> done) { done(rows_of_links<ChannelRow>()); }

void Hub::trunks(Done<std::vector<TrunkRow>> done) {
  std::map<TrunkId, std::size_t> riders;
  for (const auto& [id, link] : links_)
    for (const TrunkId trunk : link->trunks()) ++riders[trunk];
  std::vector<TrunkRow> rows = pool_.trunks();
  for (TrunkRow& row : rows) row.connections = riders[row.id];
  done(std::move(rows));
}

void Hub::forwards(Done<std::vector<ForwardRow>> done) { done(rows_of_links<ForwardRow>()); }

template <typename Row>
std::vector<Row> Hub::rows_of_links() const {
  std::vector<Row> rows;
  for (const auto& [id, link] : links_) link->add_rows(rows);
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.id < b.id; });
  return rows;
}

void Hub::end_connection(ConnectionId id, std::string_view reason, Done<Result<>> done) {
  const auto entry = links_.find(id);
  if (entry == links_.end()) return done(fail(Errc::not_found, "there is no such connection"));
  entry->second->disconnect(DisconnectReason::by_application, reason);
  done({});
}

void Hub::end_connections_of(std::string_view user, std::string_view reason, Done<Result<std::size_t>> done) {
  std::size_t count = 0;
  for (const auto& [id, link] : links_) {
    if (link->client().user != user) continue;
    link->disconnect(DisconnectReason::by_application, reason);
    ++count;
  }
  done(unless_none(count, "there is no such connection"));
}

void Hub::end_channel(ChannelId id, std::string_view reason, Done<Result<>> done) {
  for (const auto& [connection, link] : links_)
    if (link->end_channel(id, reason)) return done({});
  done(fail(Errc::not_found, "there is no such channel"));
}

void Hub::stop_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) {
  done(unless_none(pool_.stop(which, reason), kNoTrunk));
}

void Hub::end_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) {
  done(unless_none(pool_.end(which, reason), kNoTrunk));
}

void Hub::renew_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) {
  done(unless_none(pool_.renew(which, reason), kNoTrunk));
}

void Hub::check_trunks(const TrunkSelection& which, Done<TargetCheck> done) { pool_.check(which, std::move(done)); }

}  // namespace sallyport::mux

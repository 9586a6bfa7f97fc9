#include "mux/pooled_trunk.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::mux {

PooledTrunk::PooledTrunk(Pool& pool, TrunkId id, const ShareKey& key, const ResolvedTarget& target)
    : pool_(pool),
      id_(id),
      key_(key),
      target_(target),
      since_(pool.clock_.now()),
      limit_(std::max<std::size_t>(target.options.channels_per_trunk, 1)) {
  pool_.journal_.trunk_connecting(id_, key_.user, target_.name);
  attempt_ = pool_.connector_.connect(target_, *this);
}

PooledTrunk::~PooledTrunk() = default;

std::size_t PooledTrunk::used() const { return waiting_.size() + (trunk_ ? trunk_->open_channels() : 0); }

bool PooledTrunk::takes_one_more() const {
  return phase_ < Phase::draining && !ending() && used() < limit_;
}

TrunkRow PooledTrunk::row() const {
  TrunkRow row;
  row.id = id_;
  row.user = key_.user;
  row.target = target_.name;
  const bool literal_v6 = target_.host.find(':') != std::string::npos;
  row.address = (literal_v6 ? "[" + target_.host + "]" : target_.host) + ":" + std::to_string(target_.port);
  row.upstream_user = target_.user;
  row.state = phase_;
  row.channels = used();
  row.channel_limit = limit_;
  row.since = since_;
  row.idle_since = idle_since_;
  if (trunk_) row.bytes = {trunk_->bytes_sent(), trunk_->bytes_received()};
  return row;
}

void PooledTrunk::wait(Lease& lease) { waiting_.push_back(&lease); }

void PooledTrunk::stop_waiting(Lease& lease) { std::erase(waiting_, &lease); }

Channel& PooledTrunk::open(const OpenRequest& request, OpenEvents& outcome) {
  idle_.reset();
  idle_since_.reset();
  return trunk_->open(request, outcome);
}

void PooledTrunk::note_confirmed() { peak_ = std::max(peak_, trunk_->confirmed_channels()); }

bool PooledTrunk::note_refused() {
  // Answers come in the order of opens: those still being opened were not there when the target refused.
  const std::size_t others = trunk_->confirmed_or_closing_channels() - 1;  // the refused one counts as closed
  if (others == 0) return false;
  limit_ = others;
  pool_.journal_.trunk_full(id_, others);
  return true;
}

void PooledTrunk::on_connected(std::unique_ptr<Transport> transport) {
  pool_.graveyard_.bury(std::move(attempt_));
  trunk_ = std::make_unique<Trunk>(id_, target_.name, std::move(transport), pool_.clock_, pool_.graveyard_,
                                   KeepaliveSettings{target_.options.keepalive_interval, target_.options.keepalive_count},
                                   pool_.limits_.credit, static_cast<TrunkEvents&>(*this), pool_.journal_);
  pool_.journal_.trunk_ready(id_, pool_.clock_.now() - since_);
  if (phase_ == Phase::connecting) phase_ = Phase::ready;
  if (target_.options.max_age > Duration::zero())
    age_ = pool_.clock_.after(target_.options.max_age, [this] { drain("it has reached max_age"); });
  const std::vector<Lease*> waiting = std::exchange(waiting_, {});
  for (Lease* lease : waiting) lease->open_on(*this);
  leave_when_unused();
}

void PooledTrunk::on_connect_failed(const UpstreamFailure& why) {
  pool_.graveyard_.bury(std::move(attempt_));
  pool_.journal_.trunk_failed(id_, why.detail);
  const std::vector<Lease*> waiting = std::exchange(waiting_, {});
  pool_.remove(*this);  // buried, not destroyed: a lease that is tried again finds a fresh one
  for (Lease* lease : waiting) lease->fail(wire::OpenFailureReason::connect_failed, why.told);
}

void PooledTrunk::on_slot_free(Trunk&) {
  // A refusal may have come from a session that the target had not wound up yet: what it once took, it takes again.
  limit_ = std::max(limit_, peak_);
  leave_when_unused();
}

void PooledTrunk::leave_when_unused() {
  if (trunk_ == nullptr || used() > 0) return;
  if (phase_ == Phase::draining) return end("drained");
  idle_since_ = pool_.clock_.now();
  idle_ = pool_.clock_.after(target_.options.idle_timeout, [this] { end("idle"); });
}

void PooledTrunk::drain(std::string_view why) {
  if (phase_ >= Phase::draining) return;
  phase_ = Phase::draining;
  age_.reset();
  idle_.reset();
  pool_.journal_.trunk_draining(id_, why);
  leave_when_unused();
}

void PooledTrunk::end(std::string_view why) {
  phase_ = Phase::closing;
  if (trunk_ != nullptr) return trunk_->disconnect(DisconnectReason::by_application, why);
  attempt_.reset();
  const UpstreamFailure failure{Errc::closed, "the connection was given up: " + std::string(why), std::string(why)};
  on_connect_failed(failure);
}

void PooledTrunk::on_trunk_closed(Trunk&, const Error& why) {
  pool_.journal_.trunk_closed(id_, why);
  pool_.remove(*this);
}

}  // namespace sallyport::mux

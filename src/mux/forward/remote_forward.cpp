#include "mux/forward/remote_forward.hpp"

#include <utility>

#include "mux/admission/share_key.hpp"
#include "mux/upstream/trunk.hpp"
#include "route/listening.hpp"

namespace sallyport::mux {

RemoteForward::RemoteForward(const Services& services, const Admission& client, WishOrder& order, ForwardId id,
                             route::Destination address, const route::Permit& permit, RemoteForwardEvents& owner)
    : client_(client),
      id_(id),
      address_(std::move(address)),
      target_name_(permit.target().name),
      owner_(owner),
      choice_(!address_.is_socket && address_.port == 0),
      since_(services.clock.now()),
      wish_(order.enter(target_name_, [this] { ask(); })),
      hold_(services.pool.hold(trunk_access(client, permit.target()), wish_->beside(), *this)) {}

RemoteForward::~RemoteForward() { leave_cancelled(); }

facts::RemoteForward RemoteForward::which() const {
  return {id_, trunk_id_, route::listening_request_name(address_), address_.text(), target_name_};
}

ForwardRow RemoteForward::row() const {
  ForwardRow row;
  row.id = id_;
  row.connection = client_.id;
  row.user = client_.user;
  row.trunk = trunk_id_;
  row.target = target_name_;
  row.listen = address_.text();
  row.state = listens() ? "listening" : phase_ == Phase::asking ? "asking" : "connecting";
  row.connections = connections_;
  row.since = since_;
  return row;
}

void RemoteForward::on_held(Trunk& trunk) {
  if (phase_ == Phase::over) return;
  trunk_ = &trunk;
  trunk_id_ = trunk.id();
  wish_->plan(trunk.id());
  ask();
}

void RemoteForward::ask() {
  if (phase_ != Phase::connecting || trunk_ == nullptr || !wish_->may_go(trunk_id_)) return;
  phase_ = Phase::asking;
  listener_ = trunk_->forwards().listen(address_, *this);
  if (listener_ == nullptr) return fail("another connection of the user has asked for it already");
  wish_->note_gone(trunk_id_);
}

void RemoteForward::on_hold_failed(Told told) { fail(told.text()); }

void RemoteForward::on_hold_lost(Told told) {
  trunk_ = nullptr;
  listener_ = cancelled_listener_ = nullptr;
  if (phase_ != Phase::listening) return fail(told.text());
  phase_ = Phase::over;
  owner_.on_forward_lost(*this, told);
}

void RemoteForward::on_listening(std::uint32_t port) {
  cancelled_listener_ = nullptr;
  WishOrder::Entry::arrive(wish_);
  phase_ = cancelled_ && listener_ == nullptr ? Phase::over : Phase::listening;
  if (!address_.is_socket) address_.port = port;
  owner_.on_forward_listening(*this);
}

void RemoteForward::on_not_listening(std::string_view why) {
  listener_ = cancelled_listener_ = nullptr;
  fail(why);
}

void RemoteForward::on_taken_over() {
  listener_ = nullptr;
  if (std::exchange(phase_, Phase::over) != Phase::over) owner_.on_forward_taken_over(*this);
}

void RemoteForward::fail(std::string_view why) {
  WishOrder::Entry::arrive(wish_);
  if (std::exchange(phase_, Phase::over) != Phase::over) owner_.on_forward_failed(*this, why);
}

void RemoteForward::on_connection(const wire::ChannelOpen& open, std::string_view originator) {
  ++connections_;
  owner_.on_forward_connection(*this, *trunk_, open, originator);
}

void RemoteForward::drop() {
  phase_ = Phase::over;
  wish_.reset();
  leave_cancelled();
  if (listener_ != nullptr) trunk_->forwards().drop(*std::exchange(listener_, nullptr));
}

void RemoteForward::leave_cancelled() {
  if (cancelled_listener_ != nullptr) trunk_->forwards().leave(*std::exchange(cancelled_listener_, nullptr));
}

Trunk& RemoteForward::cancel(GlobalAnswerEvents& asker) {
  // Who listens already has had the answer, and nothing more to hear.
  if (phase_ == Phase::listening) phase_ = Phase::over;
  cancelled_listener_ = trunk_->forwards().cancel(*std::exchange(listener_, nullptr), asker);
  return *trunk_;
}

}  // namespace sallyport::mux

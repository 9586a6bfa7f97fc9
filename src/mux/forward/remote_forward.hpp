// A place at a target where connections for one client come in. RFC 4254, section 7.1.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/connections.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/told.hpp>

#include "mux/admission/admission.hpp"
#include "mux/client/services.hpp"
#include "mux/client/wish_order.hpp"
#include "mux/upstream/pool.hpp"
#include "mux/upstream/trunk_forwards.hpp"
#include "route/policy.hpp"

namespace sallyport::mux {

class RemoteForward;

/// Who owns a forward. Nothing is called inside its constructor.
class RemoteForwardEvents {
 public:
  virtual ~RemoteForwardEvents() = default;
  virtual void on_forward_listening(RemoteForward& forward) = 0;
  /// It never listened. `why` is for the log.
  virtual void on_forward_failed(RemoteForward& forward, std::string_view why) = 0;
  /// It listened, and the connection to the target is gone. `told` is for the client.
  virtual void on_forward_lost(RemoteForward& forward, Told told) = 0;
  /// It listened, and the target has given the place to another connection of the user's.
  virtual void on_forward_taken_over(RemoteForward& forward) = 0;
  /// See ListenerEvents::on_connection().
  virtual void on_forward_connection(RemoteForward& forward, Trunk& trunk, const wire::ChannelOpen& open,
                                     std::string_view originator) = 0;
};

/// Holds a trunk from the moment when it is asked for until it is cancelled, so that the target goes on listening without
/// a channel. A trunk that drains stays for its forwards: they end with their client.
class RemoteForward final : private TrunkHoldEvents, private ListenerEvents {
 public:
  /// `client`, `order` and `owner` outlive the forward, which is buried, not destroyed. `permit` is for the address.
  RemoteForward(const Services& services, const Admission& client, WishOrder& order, ForwardId id, route::Destination address,
                const route::Permit& permit, RemoteForwardEvents& owner);
  ~RemoteForward() override;
  RemoteForward(const RemoteForward&) = delete;
  RemoteForward& operator=(const RemoteForward&) = delete;

  ForwardId id() const { return id_; }
  /// As the client asked for it; with the port that the target chose, once it listens.
  const route::Destination& address() const { return address_; }
  const std::string& target() const { return target_name_; }
  /// At whose target it is, or was; absent until that is connected.
  std::optional<TrunkId> trunk() const { return trunk_id_; }
  bool listens() const { return phase_ == Phase::listening; }
  /// It is to be cancelled.
  bool cancelled() const { return cancelled_; }
  /// The target was asked to choose the port.
  bool port_was_chosen() const { return choice_; }
  facts::RemoteForward which() const;
  ForwardRow row() const;

  /// Nobody wants it any more. No event follows.
  void drop();
  /// Says that it is going to be cancelled, as soon as its turn comes: who cancels an address means no forward twice.
  void note_cancelled() { cancelled_ = true; }
  /// Once the target has been asked to listen: where that was.
  std::optional<TrunkId> asked_on() const { return listener_ == nullptr ? std::nullopt : trunk_id_; }
  /// The target is told to listen no more, and its answer goes to `asker`. What it still owes to the question before is
  /// reported as ever. The trunk stays until the forward is destroyed. Only after asked_on().
  Trunk& cancel(GlobalAnswerEvents& asker);

 private:
  enum class Phase : std::uint8_t { connecting, asking, listening, over };

  // TrunkHoldEvents
  void on_held(Trunk& trunk) override;
  void on_hold_failed(Told told) override;
  void on_hold_lost(Told told) override;
  // ListenerEvents
  void on_listening(std::uint32_t port) override;
  void on_not_listening(std::string_view why) override;
  void on_connection(const wire::ChannelOpen& open, std::string_view originator) override;
  void on_taken_over() override;

  /// Asks the target to listen, when the wish's turn has come.
  void ask();
  void fail(std::string_view why);
  /// The target owes its answer still; nobody here is to be told.
  void leave_cancelled();

  const Admission& client_;
  ForwardId id_;
  route::Destination address_;
  std::string target_name_;
  RemoteForwardEvents& owner_;
  bool choice_;
  bool cancelled_ = false;
  Phase phase_ = Phase::connecting;
  Trunk* trunk_ = nullptr;
  std::optional<TrunkId> trunk_id_;
  TrunkForwards::Listener* listener_ = nullptr;
  TrunkForwards::Listener* cancelled_listener_ = nullptr;  // until the target has answered whether it listens
  std::uint64_t connections_ = 0;
  TimePoint since_;
  std::unique_ptr<WishOrder::Entry> wish_;  // until the target has answered
  std::unique_ptr<TrunkHold> hold_;
};

}  // namespace sallyport::mux

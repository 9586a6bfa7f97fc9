// A hold on a trunk itself, which stays for it, with or without a channel.
#pragma once

#include <optional>
#include <string_view>

#include <sallyport/told.hpp>
#include <sallyport/told_once.hpp>

#include "mux/upstream/trunk_waiter.hpp"

namespace sallyport::mux {

class Trunk;

/// Receives the outcome of a hold: on_held() or on_hold_failed(), never inside Pool::hold(); and after the former perhaps
/// on_hold_lost().
class TrunkHoldEvents : public LoginNeeds {
 public:
  /// The trunk is there, and stays as long as the hold and its connection do, channels or not.
  virtual void on_held(Trunk& trunk) = 0;
  /// `told` is for the client.
  virtual void on_hold_failed(Told told) = 0;
  /// The trunk's connection is gone. The trunk must not be used any more.
  virtual void on_hold_lost(Told told) = 0;
};

/// Destroying it lets go of the trunk.
class TrunkHold final : public TrunkWaiter {
 public:
  /// `beside` is as in OpenRequest. It is to be placed by place(); `parts` and `events` outlive it.
  TrunkHold(PoolParts& parts, TrunkAccess access, std::optional<TrunkId> beside, TrunkHoldEvents& events);
  ~TrunkHold() override;

  // For the trunk that is held.
  void on_trunk_lost(Told told);

 private:
  void take(PooledTrunk& trunk) override;
  void report_failure(wire::OpenFailureReason reason, Told told) override;
  void report_held();

  ToldOnce<TrunkHoldEvents> events_;
};

}  // namespace sallyport::mux

// One shared upstream connection: its channels are the channels of many clients.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mux/connection.hpp"
#include "mux/journal.hpp"

namespace sallyport::mux {

class Trunk;

/// What a trunk tells the pool that owns it.
class TrunkEvents {
 public:
  virtual ~TrunkEvents() = default;
  /// A channel's number, and so one of the target's sessions, is free again.
  virtual void on_slot_free(Trunk& trunk) = 0;
  /// The last event. Every channel has been told.
  virtual void on_trunk_closed(Trunk& trunk, const Error& why) = 0;
};

class Trunk final : public Connection {
 public:
  Trunk(TrunkId id, std::string target, std::unique_ptr<Transport> transport, Clock& clock, Graveyard& graveyard,
        KeepaliveSettings keepalive, Credit credit, TrunkEvents& owner, Journal& journal);

  TrunkId id() const { return id_; }
  using Connection::open;
  /// Ends the connection. Whoever has a channel on it is told `why`.
  void say_goodbye(std::string_view why);

 private:
  void on_channel_open(const wire::ChannelOpen& open) override;
  void on_global_request(const wire::GlobalRequest& request) override;
  void on_channel_gone(LocalChannel local) override;
  void on_violation(std::string_view what) override;
  std::string_view loss_told() const override { return loss_told_; }
  void on_connection_closed(const Error& why) override;

  TrunkId id_;
  std::string loss_told_;
  TrunkEvents& owner_;
  Journal& journal_;
};

}  // namespace sallyport::mux

// One shared upstream connection: its channels are the channels of many clients.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <sallyport/journal.hpp>
#include <sallyport/told_once.hpp>

#include "mux/protocol/connection.hpp"
#include "mux/upstream/trunk_forwards.hpp"

namespace sallyport::mux {

class Trunk;
struct AgentBorrower;

/// What a trunk tells the pool that owns it.
class TrunkEvents {
 public:
  virtual ~TrunkEvents() = default;
  /// A channel's number, and so one of the target's sessions, is free again.
  virtual void on_slot_free(Trunk& trunk) = 0;
  /// Channels whose end the target owes count as use no more.
  virtual void on_overdue(Trunk& trunk) = 0;
  /// The target tells which host keys it has: the fields of hostkeys-00@openssh.com.
  virtual void on_host_keys(Trunk& trunk, ByteView fields) = 0;
  /// The last event. Every channel has been told.
  virtual void on_trunk_closed(Trunk& trunk, const Error& why) = 0;
};

/// The client connection that lends its agent or its display to the target of a trunk that nobody else uses.
class LenderEvents {
 public:
  virtual ~LenderEvents() = default;
  /// The target asks for this channel, which has been checked and waits for its answer by Trunk::accept() or
  /// Trunk::refuse().
  virtual void on_lent_channel(Trunk& trunk, const wire::ChannelOpen& open, std::string_view originator) = 0;
  /// The login at a target wants the client's agent, which may be lent to it.
  virtual void lend_agent_to(std::shared_ptr<AgentBorrower> borrower) = 0;
};

class Trunk final : public Connection {
 public:
  Trunk(const facts::Trunk& which, std::unique_ptr<Transport> transport, Clock& clock, Graveyard& graveyard,
        KeepaliveSettings keepalive, Credit credit, std::shared_ptr<Account> account, TrunkEvents& owner, Journal& journal);

  TrunkId id() const { return id_; }
  /// What the clients are told when it is lost from now on.
  void set_loss_told(std::string told) { loss_told_ = std::move(told); }
  /// The target's name.
  const std::string& target() const { return target_; }
  using Connection::accept;
  using Connection::ask;
  using Connection::forget;
  using Connection::open;
  using Connection::session_id;
  /// Ends the connection. Whoever has a channel on it is told `why`.
  void say_goodbye(std::string_view why);
  using Connection::tell;
  Told loss_told() const override { return Told(loss_told_); }

  TrunkForwards& forwards() { return forwards_; }
  /// From now on the target may open channels to the client's agent, or display. `lender` outlives the trunk, or takes
  /// that back by end_loan(). False for an agent that was lent already: sshd grants it once a connection.
  bool lend_agent(LenderEvents& lender);
  void lend_display(LenderEvents& lender);
  void end_loan();
  /// Refuses a channel that the target asks for.
  void refuse(const wire::ChannelOpen& open, wire::OpenFailureReason reason, std::string_view why);

 private:
  void on_channel_open(const wire::ChannelOpen& open, const wire::OpenFields& fields) override;
  void on_global_request(const wire::GlobalRequest& request, const wire::GlobalFields& fields,
                         GlobalReplies::Ticket ticket) override;
  wire::Speaker peer() const override { return wire::Speaker::target; }
  void on_unsound(wire::Form form, std::string_view name, std::string_view why, const Channel* channel) override;
  void on_channel_gone(LocalChannel local) override;
  void on_overdue() override { owner_.tell(&TrunkEvents::on_overdue, *this); }
  void on_violation(std::string_view what) override;
  void on_ignored(std::string_view what, std::uint64_t count) override;
  void on_channel_changed(const Channel& channel, ChannelState from) override;
  void on_connection_closed(const Error& why) override;
  void on_forwarded(const wire::ChannelOpen& open, const route::Destination& address, std::string_view originator);
  void on_lent(LenderEvents* lender, const wire::ChannelOpen& open, std::string_view originator);

  /// For facts about it; a view.
  facts::Trunk which() const { return {id_, user_, target_}; }

  const TrunkId id_;
  const std::string user_;
  const std::string target_;
  std::string loss_told_;
  ToldOnce<TrunkEvents> owner_;
  Journal& journal_;
  TrunkForwards forwards_{*this};
  LenderEvents* agent_ = nullptr;
  LenderEvents* display_ = nullptr;
};

}  // namespace sallyport::mux

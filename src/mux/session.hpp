// A client's session channel, from its open to its close: late binding, and the relay to its endpoint.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/connections.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/process.hpp>

#include "mux/admission.hpp"
#include "mux/agent_loan.hpp"
#include "mux/channel.hpp"
#include "mux/idle_watch.hpp"
#include "mux/journal.hpp"
#include "mux/lending.hpp"
#include "mux/link_channel.hpp"
#include "mux/local_endpoint.hpp"
#include "mux/login_dialog.hpp"
#include "mux/pool.hpp"
#include "mux/program_start.hpp"
#include "mux/relay.hpp"
#include "mux/services.hpp"
#include "mux/session_requests.hpp"
#include "mux/trunk.hpp"
#include "route/policy.hpp"

namespace sallyport::mux {

/// The channel is confirmed with a window of 0 before anybody knows where it ends; that is decided when exec, shell or
/// subsystem comes. Then messages go from one end to the other, within what the receiving end takes.
class Session final : public LinkChannel, private LeaseEvents {
 public:
  /// Exit status of a channel that we, not a program, had to end; what ssh itself uses for its own errors.
  static constexpr std::uint32_t kOurExitStatus = 255;

  /// `client`, `downstream` and `lender`, the link that gets the channels to the client's agent and display, outlive the
  /// session.
  Session(const Services& services, const Admission& client, ChannelId id, Channel& downstream, LenderEvents& lender);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // LinkChannel
  ChannelId id() const override { return ids_.channel; }
  ChannelRow row() const override;
  std::optional<TrunkId> trunk() const override { return ids_.trunk; }
  bool is_session() const override { return true; }
  void end(std::string_view told) override;
  void leave() override;

 private:
  enum class Phase : std::uint8_t {
    collecting,  ///< no program request yet
    binding,     ///< its endpoint is being made
    relaying,
    ended,  ///< no endpoint any more; waits for the client's CLOSE
  };
  /// Receives the events of one end, which are work for the other.
  struct EndEvents final : ChannelEvents {
    EndEvents(Session& owner, Side which) : session(owner), side(which) {}
    void on_data(ByteView bytes) override;
    void on_extended_data(std::uint32_t code, ByteView bytes) override {
      session.relay_.on_extended_data(side, code, bytes);
    }
    Excess on_excess(std::size_t size) override;
    void on_eof() override;
    void on_request(std::string_view type, bool want_reply, ByteView rest) override;
    void on_reply(bool success) override;
    void on_window() override;
    bool answers_close_later() override { return side == Side::downstream && session.awaits_exit(); }
    void on_close() override;
    void on_lost(std::string_view told) override;
    Session& session;
    const Side side;
  };

  // LeaseEvents
  void on_leased(Channel& channel, TrunkId trunk) override;
  void on_lease_failed(wire::OpenFailureReason reason, std::string_view told) override;
  void on_agent_wanted(UpstreamAnswers& to) override;
  void on_question(UpstreamAnswers& to, const UpstreamQuestion& question) override;

  /// The login at the target is over: nobody wants the client's agent or answers for it any more.
  void end_login();
  /// How many of so many bytes of the client's were let in for a question that is over.
  std::size_t take_stray(std::size_t available);
  void client_request(std::string_view type, bool want_reply, ByteView rest);
  /// Answers the request that is being reported with a failure, and records that if `why` is given.
  void refuse(std::string_view type, bool want_reply, std::string_view why);
  /// What the policy says to the request, which is no program's.
  route::Verdict judge(route::Act act, ByteView rest) const;
  /// Why the request can't be kept for the endpoint, or null when it is.
  const char* collect(route::Act act, ByteView rest);
  void start(route::Act act, ProgramRequest program);
  /// The program has started; once.
  void record_program();
  void start_local(const route::Permit& permit);
  ProcessSpec process_spec(const ResolvedTarget& target, std::vector<std::string> command) const;
  void start_upstream(const route::Permit& permit);
  void begin_relaying(ChannelEnd& upstream);
  void send_requests_upstream();
  void send_loans_upstream();
  void upstream_request(std::string_view type, bool want_reply, ByteView rest);
  void upstream_closed();
  void client_closed();
  /// A program runs whose exit status the client has not been told.
  bool awaits_exit() const { return phase_ == Phase::relaying && !exit_passed_; }
  /// `told` is for the client, `why` for the log.
  void deny(std::string_view told, std::string_view why);
  void watch_idleness(const Options& options);
  /// Tells the client on stderr and ends the channel with kOurExitStatus.
  void end_with(std::string_view told);
  void drop_upstream();
  void answer_program(bool success);

  Services services_;
  const Admission& client_;
  ChannelIds ids_;
  Channel& downstream_;
  LenderEvents& lender_;
  EndEvents downstream_events_{*this, Side::downstream};
  EndEvents upstream_events_{*this, Side::upstream};
  Phase phase_ = Phase::collecting;
  std::unique_ptr<SessionRequests> requests_;  // until the relay begins
  Charge kept_;                                // the program's text
  ProgramRequest program_;   // as it was asked for; once it has been allowed, as it runs
  route::Program running_;   // what the policy made of it
  bool program_unanswered_ = false;
  bool program_answered_early_ = false;  // with success, before the target was there to do so
  bool eof_before_relaying_ = false;
  bool lends_agent_ = false;
  bool lends_display_ = false;
  bool recorded_ = false;  // that the program started, or couldn't
  bool had_pty_ = false;
  bool exit_passed_ = false;
  bool left_ = false;
  std::uint32_t stray_ = 0;  // bytes that the client may still send to the login's dialog, though it is over
  std::string target_name_;
  std::unique_ptr<Lease> lease_;
  std::shared_ptr<AgentBorrower> agent_borrower_;  // null: the login hasn't asked for the client's agent
  std::unique_ptr<LoginDialog> dialog_;            // null: it hasn't asked a question
  std::unique_ptr<LocalEndpoint> local_;
  Channel* trunk_channel_ = nullptr;
  Relay relay_;  // between downstream_ and local_ or trunk_channel_, while relaying
  TimePoint since_;
  std::optional<IdleWatch> idle_;
};

}  // namespace sallyport::mux

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
#include <sallyport/journal.hpp>

#include "mux/admission/admission.hpp"
#include "mux/client/lending.hpp"
#include "mux/client/link_channel.hpp"
#include "mux/client/services.hpp"
#include "mux/client/wish_order.hpp"
#include "mux/protocol/channel.hpp"
#include "mux/relay/relay.hpp"
#include "mux/session/client_notes.hpp"
#include "mux/session/local_binding.hpp"
#include "mux/session/session_program.hpp"
#include "mux/session/session_requests.hpp"
#include "mux/session/trunk_binding.hpp"
#include "mux/upstream/pool.hpp"
#include "mux/upstream/trunk.hpp"
#include "route/policy.hpp"

namespace sallyport::mux {

/// The channel is confirmed with a window of 0 before anybody knows where it ends; that is decided when exec, shell or
/// subsystem comes. Then messages go from one end to the other, within what the receiving end takes.
///
/// How there comes to be an end is LocalBinding's business, or TrunkBinding's; the session keeps the phase, the order of requests
/// and answers, and the relay.
///
/// What the client asks before that is answered by the end itself wherever it can be: if the route leads all programs to one
/// target, that is asked at once; else the answer waits for a moment, for most clients send their program along. One
/// that waits for its answer first is told yes, and what the end then refuses it learns on stderr.
class Session final : public LinkChannel, private TrunkBindingHost {
 public:
  /// Exit status of a channel that we, not a program, had to end; what ssh itself uses for its own errors.
  static constexpr std::uint32_t kOurExitStatus = 255;
  /// A client that sends its program along has done so within this time.
  static constexpr Duration kSentAlong = std::chrono::milliseconds(20);

  /// `client`, `order`, `downstream` and `lender`, the link that gets the channels to the client's agent and display, outlive
  /// the session.
  Session(const Services& services, const Admission& client, WishOrder& order, ChannelId id, Channel& downstream,
          LenderEvents& lender);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // LinkChannel
  bool is_session() const override { return true; }
  void end(Told told) override;

 private:
  // LinkChannel
  ByteCounts traffic() const override { return {downstream_.bytes_received(), downstream_.bytes_sent()}; }
  void describe(ChannelRow& row) const override;
  void let_go() override;

  enum class Phase : std::uint8_t {
    collecting,  ///< no program request yet, or the one that there was has been refused
    binding,     ///< its endpoint is being made, or waits for the wish's turn
    relaying,    ///< the endpoint has been asked for the program
    ended,       ///< no endpoint any more; waits for the client's CLOSE
  };
  /// Receives the events of one end, which are work for the other.
  struct EndEvents final : ChannelEvents {
    EndEvents(Session& owner, Side which) : session(owner), side(which) {}
    void on_data(ByteView bytes) override;
    void on_extended_data(std::uint32_t code, ByteView bytes) override { session.relay_.on_extended_data(side, code, bytes); }
    Excess on_excess(std::size_t size) override;
    void on_eof() override;
    void on_request(wire::SessionRequest request, bool want_reply) override;
    void on_reply(bool success) override;
    void on_window() override;
    bool answers_close_later() override { return side == Side::downstream && session.awaits_exit(); }
    void on_close() override;
    void on_lost(Told told) override;
    Session& session;
    const Side side;
  };

  // TrunkBindingHost
  void on_asked(TrunkId trunk) override {
    if (wish_ != nullptr) wish_->plan(trunk);
  }
  void on_bound(Channel& channel, TrunkId trunk) override;
  void on_not_bound(Told told) override;
  const PtyRequest* terminal() const override { return had_pty_ ? requests_->pty() : nullptr; }
  bool has_input_ended() const override { return input_ended_; }
  void on_person_asked() override;

  static std::string_view phase_name(Phase phase);
  /// The one place where the phase changes.
  void enter(Phase phase);
  void client_request(wire::SessionRequest request, bool want_reply);
  /// Answers the request that is being reported with a failure, and records that if `why` is given.
  void refuse(std::string_view type, bool want_reply, std::string_view why);
  /// What the policy says to the request, which is no program's.
  route::Verdict judge(route::Act act, const wire::SessionRequest& request) const;
  /// Keeps a request that prepares the program, and sees to its answer.
  void prepare(const wire::SessionRequest& request, bool want_reply);
  /// It is the target that answers, if all programs end at one that can be asked before there is one; false: it isn't.
  bool prepare_at(const std::optional<ResolvedTarget>& end);
  /// Answers what is owed an answer and has been passed on to nobody, or to nobody who will answer.
  void answer_unasked(bool success);
  /// On the bastion it is known what becomes of them.
  void answer_preparations(const LocalSettings& local);
  /// The client asks for something while nothing runs, for which the end need not be asked to make ready.
  void request_without_program(route::Act act, const wire::SessionRequest& request, bool want_reply);
  void start(ProgramRequest program);
  void start_local(const route::Permit& permit);
  /// Starts the program on the bastion if it is its turn; else it is called again when it may be.
  void begin_local();
  void start_upstream(const route::Permit& permit);
  /// The channel that is asked for at a target now.
  OpenRequest opening() const;
  /// Gives up the channel at the target, where nothing runs.
  void unbind();
  /// Asks for the program at the target once there is a channel, if it is its turn; else it is called again when it may be.
  void begin_upstream();
  /// The target's channel gets all that was asked for.
  void go_upstream();
  void begin_relaying(ChannelEnd& upstream);
  /// Passes on what has been kept and has not been passed on yet.
  void send_preparations();
  /// Passes on a request of the client's to an endpoint.
  void pass_on(ChannelEnd& to, const wire::SessionRequest& request, bool want_reply);
  void upstream_request(const wire::SessionRequest& request, bool want_reply);
  void upstream_replied(bool success);
  void preparation_answered(std::size_t index, bool success);
  void program_answered(bool success);
  void program_refused();
  /// Whatever has come to the front of those that wait for an answer, and has one.
  void answer_known();
  /// The program has been refused where others had run before it: asks for it once more on a fresh trunk, if nothing of the
  /// client's would be lost by that. False: it isn't worth it.
  bool ask_afresh();
  /// The program has been refused: as with sshd, the client may ask for something else.
  void collect_again();
  /// The program runs: it can't be asked for again.
  void settle();
  void upstream_closed();
  void client_closed();
  /// The end has said something behind the request for the program, which it must have got then.
  void note_life() {
    if (wish_ != nullptr && phase_ == Phase::relaying) WishOrder::Entry::arrive(wish_);
  }
  /// A program runs whose exit status the client has not been told.
  bool awaits_exit() const { return phase_ == Phase::relaying && !program_.has_exited(); }
  /// `told` is for the client, `why` for the log.
  void deny(Told told, std::string_view why);
  /// Tells the client something on stderr, as soon as its window has room beside what others may send.
  void say(Told told);
  void flush_said();
  /// What was promised came to nothing.
  void tell_refused(const PreparingRequest& request, std::string_view by);
  /// Tells the client on stderr and ends the channel with kOurExitStatus.
  void end_with(Told told);
  void drop_upstream();

  /// A request to the upstream end whose answer is awaited.
  struct Asked {
    enum class What : std::uint8_t { preparation, program, passed_on };
    What what;
    std::size_t index = 0;           ///< of the preparation
    std::optional<bool> known = {};  ///< nobody has been asked: it only waits for those before it
  };

  Channel& downstream_;
  WishOrder& order_;
  EndEvents downstream_events_{*this, Side::downstream};
  EndEvents upstream_events_{*this, Side::upstream};
  Phase phase_ = Phase::collecting;
  std::unique_ptr<SessionRequests> requests_;  // until the program runs
  std::size_t passed_on_ = 0;                  // so many of those that prepare it have been, or needn't be
  bool client_waits_ = false;                  // for answers before it sends its program
  std::unique_ptr<Timer> sent_along_;          // for the program, while answers are owed
  SessionProgram program_;
  bool input_ended_ = false;  // before there was an end that could be told
  bool had_pty_ = false;
  ClientNotes said_;
  std::unique_ptr<WishOrder::Entry> wish_;       // the program, until it is known to have been asked for there
  std::unique_ptr<route::Permit> permit_;        // of a program that waits for its turn, or has not been answered by a target
  std::optional<Pool::RefusedProgram> refused_;  // once, and a fresh trunk is being asked
  std::vector<Asked> asked_;                     // until the program has been answered; then every answer is simply passed on
  TrunkBinding trunk_;
  LocalBinding local_;
  Relay relay_;  // between downstream_ and one of the two, while relaying
};

}  // namespace sallyport::mux

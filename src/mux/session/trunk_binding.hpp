// A session's way to a channel at a target: the wish for one, and what the login there needs of the client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/bytes.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/target.hpp>
#include <sallyport/told.hpp>
#include <sallyport/upstream.hpp>

#include "mux/admission/admission.hpp"
#include "mux/admission/share_key.hpp"
#include "mux/client/services.hpp"
#include "mux/forward/agent_loan.hpp"
#include "mux/protocol/channel.hpp"
#include "mux/session/login_dialog.hpp"
#include "mux/session/session_requests.hpp"
#include "mux/upstream/pool.hpp"
#include "mux/upstream/trunk.hpp"

namespace sallyport::mux {

/// What a binding tells its session, and asks it. Of on_bound() and on_not_bound() exactly one comes, never inside bind().
class TrunkBindingHost {
 public:
  virtual ~TrunkBindingHost() = default;
  /// The channel has been asked for on that trunk; see ChannelWishEvents::on_asked().
  virtual void on_asked(TrunkId trunk) = 0;
  /// It is there, and belongs to the trunk. It reports to nobody yet.
  virtual void on_bound(Channel& channel, TrunkId trunk) = 0;
  /// There won't be one. `told` is for the client.
  virtual void on_not_bound(Told told) = 0;
  /// The client's terminal, at which a person can answer what the login asks; null: there is none.
  virtual const PtyRequest* terminal() const = 0;
  /// Nothing more comes from the client.
  virtual bool has_input_ended() const = 0;
  /// The person is about to be asked, and the client must be ready for that.
  virtual void on_person_asked() = 0;
};

/// There is at most one channel, or one wish for one, at a time. While the login asks the person at the client's terminal
/// something, what the client says is the answer.
class TrunkBinding final : private ChannelWishEvents {
 public:
  /// All of them outlive it. `ids` and `target`, the target's name, are those of the session, and may change; `lender` is the
  /// link that gets the channels to the client's agent and display.
  TrunkBinding(const Services& services, const Admission& client, const ChannelIds& ids, const std::string& target,
               Channel& downstream, LenderEvents& lender, TrunkBindingHost& host);
  ~TrunkBinding() override { drop(); }
  TrunkBinding(const TrunkBinding&) = delete;
  TrunkBinding& operator=(const TrunkBinding&) = delete;

  /// The way to the target for what has been asked for until now.
  TrunkAccess access_to(const ResolvedTarget& target, const SessionRequests& requests);
  /// There is a channel for just that, or there will be.
  bool is_bound(const TrunkAccess& access) const;
  /// Wishes for a channel. Nothing may be bound.
  void bind(TrunkAccess access, OpenRequest request);
  /// Gives up the wish, or the channel, and is over with the login.
  void drop();
  /// The program runs: no other way is wanted any more, and what it is good for needs no room.
  void settle() { bound_.reset(); }
  /// The channel is closed both ways: its connection frees it.
  void note_closed() { channel_ = nullptr; }

  /// Null until it is there.
  Channel* channel() const { return channel_; }
  /// The wish, until it has come true or to nothing.
  const ChannelWish* wish() const { return channel_wish_.get(); }
  /// Where the channel is, or has been asked for; absent: nowhere yet.
  std::optional<TrunkId> asked_on() const { return channel_wish_ == nullptr ? ids_.trunk : channel_wish_->asked_on(); }
  /// Before its program is known, a session may have a channel; not any more once that has come to nothing.
  bool binds_early() const { return !gave_up_early_; }
  void give_up_early() { gave_up_early_ = true; }

  /// What the client lends goes with the access that was asked for last.
  bool lends() const { return lends_agent_ || lends_display_; }
  /// The target may have what the client lends. Absent: it is to be asked to take it, or it is no loan; else what the answer
  /// would be. Only with a channel.
  std::optional<bool> lend(const wire::SessionRequest& request);

  // What the client says. True: it was for the login, which asks something.
  bool takes_data(ByteView bytes);
  bool takes_eof();
  bool takes_window();
  /// How many of so many bytes of the client's were let in for a question that is over.
  std::size_t take_stray(std::size_t available);

 private:
  // ChannelWishEvents
  void on_asked(TrunkId trunk) override { host_.on_asked(trunk); }
  void on_wish_granted(Channel& channel, TrunkId trunk) override;
  void on_wish_failed(wire::OpenFailureReason reason, Told told) override;
  void on_agent_wanted(UpstreamAnswers& to) override;
  void on_question(UpstreamAnswers& to, const UpstreamQuestion& question) override;

  /// The login at the target is over: nobody wants the client's agent or answers for it any more.
  void end_login();

  const Services& services_;
  const Admission& client_;
  const ChannelIds& ids_;
  const std::string& target_;
  Channel& downstream_;
  LenderEvents& lender_;
  TrunkBindingHost& host_;
  /// What the channel at the target is good for, until settle(); absent: there is none.
  struct Bound {
    ShareKey key;
    bool lends_agent = false;
    bool operator==(const Bound&) const = default;
  };
  std::optional<Bound> bound_;
  bool lends_agent_ = false;
  bool lends_display_ = false;
  bool gave_up_early_ = false;
  bool is_afresh_ = false;  // the wish is for a trunk that has had no session
  std::unique_ptr<ChannelWish> channel_wish_;
  std::shared_ptr<AgentBorrower> agent_borrower_;  // null: the login hasn't asked for the client's agent
  std::unique_ptr<LoginDialog> dialog_;            // null: it hasn't asked a question
  std::uint32_t stray_ = 0;                        // bytes that the client may still send to the dialog, though it is over
  Channel* channel_ = nullptr;
};

}  // namespace sallyport::mux

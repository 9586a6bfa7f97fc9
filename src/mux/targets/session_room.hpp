// How many channels a trunk takes: by its options, and by what its target has refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mux/admission/share_key.hpp"
#include "mux/targets/learnt_of_targets.hpp"
#include "mux/targets/trunk_use.hpp"

namespace sallyport::mux {

/// The room on one trunk. What is found out here goes to LearntOfTargets, and what others have found out there counts here.
class SessionRoom {
 public:
  /// A forwarded connection costs a target a socket where a session costs it processes, and a browser opens dozens of them at
  /// once: a login for every ten would cost more than they do. sshd's MaxSessions counts sessions alone.
  static constexpr std::size_t kForwardsForASession = 10;

  /// What the trunk has now.
  struct Load {
    std::size_t channels = 0;   ///< open, opening or closing, and those that wait for it
    std::size_t sessions = 0;   ///< those of them that are sessions
    std::size_t at_target = 0;  ///< sessions that the target has confirmed and whose end it has not seen
  };
  /// Why a target refuses one more session: it takes no more at a time, or in a connection's life; or, when it has never had one
  /// here, it just does. But for that another trunk may be tried, and in the end a fresh one.
  enum class Refusal : std::uint8_t { full, spent, real };

  /// `channels` is channels_per_trunk. `learnt` and `key` outlive it.
  SessionRoom(std::size_t channels, LearntOfTargets& learnt, const ShareKey& key);

  /// Whether it may be used so once more.
  bool has_room_for(const TrunkUse& use, const Load& load) const;
  /// It has had all the sessions that the target takes on one connection.
  bool is_spent(std::size_t at_target) const;
  /// channels_per_trunk, or the sessions that the target takes if those are fewer.
  std::size_t limit() const;
  /// Sessions that the target has taken here, until now.
  std::size_t had() const { return had_; }

  /// One more session is there; `confirmed` are.
  void note_session(std::size_t confirmed);
  /// It has refused one more beside `others`.
  Refusal note_refused(std::size_t others);
  /// It takes no more than so many sessions at a time.
  void note_full(std::size_t sessions);
  /// It has ended the connection over one more session.
  void note_left();
  /// A session is gone. A refusal may have come from one that the target had not wound up yet: what it once took, it takes again.
  void note_free();
  /// A sibling may have found something out meanwhile.
  void look_at_learnt();

 private:
  std::size_t ended(std::size_t at_target) const;

  std::size_t channel_limit_;
  LearntOfTargets& learnt_;
  const ShareKey& key_;
  std::optional<std::size_t> session_limit_;  // what the target takes at a time, once that is known
  std::size_t had_ = 0;
  std::size_t peak_ = 0;  // the most sessions that the target has had here at a time
};

}  // namespace sallyport::mux

// The shell, exec or subsystem of a session: as it was asked for, as it runs, and what has been told of it.
#pragma once

#include <cstdint>
#include <string_view>

#include <sallyport/account.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/told.hpp>

#include "mux/admission/admission.hpp"
#include "mux/protocol/channel.hpp"
#include "mux/session/session_requests.hpp"
#include "route/policy.hpp"

namespace sallyport::mux {

/// Tells the journal what becomes of the program, and the client whether its request has succeeded: each once.
class SessionProgram {
 public:
  /// All of them outlive it. `ids` may change, `target` is the name of where it runs.
  SessionProgram(Journal& journal, const Admission& client, const ChannelIds& ids, const std::string& target,
                 Channel& downstream);

  /// The client asks for it, in place of another one that has come to nothing. False: its text is too long for what is held
  /// for the connection already, and it must be refused.
  bool ask(ProgramRequest request);
  /// It has been refused, and its text is of no use any more.
  void drop_text();
  /// It may run, as the policy says.
  void allow(const route::Program& running);
  /// It has come to nothing, and the client may ask for another one.
  void forget();

  /// What was asked for; once it has been allowed, what runs. Without an act when there is none.
  const ProgramRequest& request() const { return request_; }
  /// What the policy made of it.
  const route::Program& running() const { return running_; }

  /// It has started, or its target was asked for it.
  void record_started();
  /// It could not be started.
  void record_not_started(std::string_view why);
  /// Its target, which was asked for it, has refused it.
  void record_failed(std::string_view why);
  /// The client doesn't get it: `told` is for the client, `why` for the log.
  void record_refused(Told told, std::string_view why);
  /// How it has ended: the client is told as well, by whoever has heard of it.
  void record_exit(const wire::ExitStatus& exit);
  void record_exit(const wire::ExitSignal& exit);
  bool has_exited() const { return exited_; }

  /// Answers its request, unless that wants no answer or has got one.
  void answer(bool success);
  /// The client takes input only once it knows that the program runs: it is told so before that is known.
  void answer_early();
  /// The answer is here which the client has been told early; once.
  bool was_answered_early();

 private:
  enum class Answer : std::uint8_t {
    none,   ///< isn't wanted, or has been given
    owed,   ///< to the client
    early,  ///< has been given before it was known
  };

  Journal& journal_;
  const Admission& client_;
  const ChannelIds& ids_;
  const std::string& target_;
  Channel& downstream_;
  ProgramRequest request_;
  route::Program running_;
  Charge kept_;  // the text
  Answer answer_ = Answer::none;
  bool recorded_ = false;  // that it has started, or couldn't
  bool exited_ = false;
};

}  // namespace sallyport::mux

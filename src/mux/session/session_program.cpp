#include "mux/session/session_program.hpp"

#include <utility>

namespace sallyport::mux {
namespace {

/// Of so many bytes a text is not worth counting.
constexpr std::size_t kShortProgram = 4 * 1024;

}  // namespace

SessionProgram::SessionProgram(Journal& journal, const Admission& client, const ChannelIds& ids, const std::string& target,
                               Channel& downstream)
    : journal_(journal), client_(client), ids_(ids), target_(target), downstream_(downstream), kept_(downstream.account()) {}

bool SessionProgram::ask(ProgramRequest request) {
  request_ = std::move(request);
  answer_ = request_.want_reply ? Answer::owed : Answer::none;
  const bool is_short = request_.argument.size() <= kShortProgram;
  kept_.set(is_short ? 0 : 2 * request_.argument.size());  // as it was asked for, and as it runs
  return is_short || !downstream_.account()->is_pressed();
}

void SessionProgram::drop_text() {
  request_.argument = {};
  kept_.set(0);
}

void SessionProgram::allow(const route::Program& running) {
  running_ = running;
  request_.act = running.act;
  request_.argument = running.argument;
}

void SessionProgram::forget() {
  recorded_ = false;
  running_ = {};
  kept_.set(0);
  answer(false);
  request_ = {};
}

void SessionProgram::record_started() {
  if (std::exchange(recorded_, true)) return;
  journal_.tell(facts::ProgramStarted{client_.who(), ids_, request_.type(), request_.argument, target_});
}

void SessionProgram::record_not_started(std::string_view why) {
  recorded_ = true;
  record_failed(why);
}

void SessionProgram::record_failed(std::string_view why) {
  journal_.tell(facts::ProgramFailed{client_.who(), ids_, request_.type(), request_.argument, why});
}

void SessionProgram::record_refused(Told told, std::string_view why) {
  journal_.tell(facts::ProgramRefused{client_.who(), ids_, request_.type(), request_.argument, told.text(), why});
}

void SessionProgram::record_exit(const wire::ExitStatus& exit) {
  exited_ = true;
  journal_.tell(facts::ProgramEnded{client_.who(), ids_, exit.status, {}});
}

void SessionProgram::record_exit(const wire::ExitSignal& exit) {
  exited_ = true;
  journal_.tell(facts::ProgramEnded{client_.who(), ids_, std::nullopt, exit.signal});
}

void SessionProgram::answer(bool success) {
  if (answer_ != Answer::owed) return;
  answer_ = Answer::none;
  downstream_.send_reply(success);
}

void SessionProgram::answer_early() {
  if (answer_ != Answer::owed) return;
  answer_ = Answer::early;
  downstream_.send_reply(true);
}

bool SessionProgram::was_answered_early() {
  if (answer_ != Answer::early) return false;
  answer_ = Answer::none;
  return true;
}

}  // namespace sallyport::mux

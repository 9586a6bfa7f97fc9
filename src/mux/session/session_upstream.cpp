// A session's side towards the target: when its channel is bound, what is asked on it, and what is answered.
#include <algorithm>
#include <utility>
#include <variant>

#include "mux/admission/permission.hpp"
#include "mux/flow/flow_credit.hpp"
#include "mux/session/program_start.hpp"
#include "mux/session/session.hpp"
#include "wire/channel_requests.hpp"

namespace sallyport::mux {

// --- the way to a channel ----------------------------------------------------------------------------------------

bool Session::prepare_at(const std::optional<ResolvedTarget>& end) {
  // A login that asks a person something waits for the program: its request says that there is somebody at a terminal.
  if (!end || !trunk_.binds_early() || asks_a_person(*end)) return false;
  TrunkAccess access = trunk_.access_to(*end, *requests_);
  if (trunk_.is_bound(access)) {
    if (trunk_.channel() != nullptr) send_preparations();
    return true;
  }
  unbind();
  if (downstream_.account()->is_pressed()) return false;  // no channel is begun for what may never run
  target_name_ = end->name;
  trunk_.bind(std::move(access), opening());
  return true;
}

void Session::start_upstream(const route::Permit& permit) {
  permit_ = std::make_unique<route::Permit>(permit);
  wish_ = order_.enter(target_name_, [this] { begin_upstream(); });
  TrunkAccess access = trunk_.access_to(permit.target(), *requests_);
  if (!trunk_.is_bound(access)) {
    unbind();
    trunk_.bind(std::move(access), opening());
  }
  if (const auto trunk = trunk_.asked_on()) wish_->plan(*trunk);
  begin_upstream();
}

OpenRequest Session::opening() const {
  OpenRequest request;
  if (wish_ != nullptr) request.beside = wish_->beside();
  request.afresh = refused_.has_value();
  // With a terminal, the login may ask a question, and showing it takes of the window that the target would have been
  // promised. And what it may send before the program runs is nothing.
  if (phase_ == Phase::binding && !had_pty_)
    request.granted = std::min({downstream_.window(), downstream_.credit(), FlowCredit::kFloorAlone});
  return request;
}

void Session::unbind() {
  asked_.clear();
  passed_on_ = 0;
  relay_.part();
  trunk_.drop();
  ids_.trunk.reset();
}

void Session::on_person_asked() {
  // Some clients take no input before they know that the program runs.
  answer_unasked(true);
  program_.answer_early();
}

void Session::on_bound(Channel& channel, TrunkId trunk) {
  ids_.trunk = trunk;
  channel.attach(&upstream_events_);
  if (refused_ && channel.window() < downstream_.granted()) return program_refused();  // what the client may send has no room
  if (wish_ == nullptr) return send_preparations();
  wish_->plan(trunk);
  begin_upstream();
}

void Session::on_not_bound(Told told) {
  if (phase_ == Phase::collecting) {
    // The program will be told why, if that fails then.
    trunk_.give_up_early();
    unbind();
    return answer_unasked(true);
  }
  if (refused_) return program_refused();
  deny(told, told.text());
}

// --- what is asked there -----------------------------------------------------------------------------------------

void Session::begin_upstream() {
  if (trunk_.channel() != nullptr && phase_ == Phase::binding && wish_->may_go(ids_.trunk)) go_upstream();
}

void Session::go_upstream() {
  Channel& channel = *trunk_.channel();
  wish_->note_gone(ids_.trunk);
  program_.record_started();
  send_preparations();
  send_environment(channel, client_.grant.environment, program_.running());
  if (program_.request().want_reply) asked_.push_back({Asked::What::program});
  send_program(channel, program_.request());
  begin_relaying(channel);
}

void Session::send_preparations() {
  using Answer = PreparingRequest::Answer;
  std::vector<PreparingRequest>& requests = requests_->preparing();
  for (; passed_on_ < requests.size(); ++passed_on_) {
    PreparingRequest& request = requests[passed_on_];
    const std::optional<bool> known = trunk_.lend(request.request);
    const bool want_reply = request.answer == Answer::owed || request.answer == Answer::promised;
    if (want_reply) asked_.push_back({Asked::What::preparation, passed_on_, known});
    if (!known) trunk_.channel()->send_request(request.request, want_reply);
  }
  answer_known();
}

void Session::begin_relaying(ChannelEnd& upstream) {
  enter(Phase::relaying);
  for (const StoredRequest& request : requests_->take_later()) pass_on(upstream, request.request, request.want_reply);
  if (asked_.empty() && !program_.request().want_reply) settle();
  flush_said();
  if (relay_.joined()) return;
  if (input_ended_) upstream.send_eof();
  relay_.join(downstream_, upstream);
}

void Session::pass_on(ChannelEnd& to, const wire::SessionRequest& request, bool want_reply) {
  if (want_reply && (requests_ != nullptr || !asked_.empty())) asked_.push_back({Asked::What::passed_on});
  to.send_request(request, want_reply);
}

// --- what is answered, and what the target says ------------------------------------------------------------------

void Session::upstream_replied(bool success) {
  if (asked_.empty()) return downstream_.send_reply(success);
  const Asked asked = asked_.front();
  asked_.erase(asked_.begin());
  switch (asked.what) {
    case Asked::What::preparation: preparation_answered(asked.index, success); return answer_known();
    case Asked::What::program: return program_answered(success);
    case Asked::What::passed_on: return downstream_.send_reply(success);
  }
}

void Session::answer_known() {
  while (!asked_.empty() && asked_.front().known) {
    const Asked asked = asked_.front();
    asked_.erase(asked_.begin());
    preparation_answered(asked.index, *asked.known);
  }
  if (phase_ == Phase::relaying && asked_.empty() && !program_.request().want_reply) settle();
}

void Session::preparation_answered(std::size_t index, bool success) {
  using Answer = PreparingRequest::Answer;
  PreparingRequest& request = requests_->preparing()[index];
  const Answer before = std::exchange(request.answer, Answer::given);
  if (before == Answer::owed) {
    if (std::holds_alternative<PtyRequest>(request.request) && !success)
      had_pty_ = false;  // the client's terminal isn't raw then
    return downstream_.send_reply(success);
  }
  if (!success) tell_refused(request, "target " + target_name_);
}

void Session::program_answered(bool success) {
  note_life();
  if (program_.was_answered_early()) {
    if (!success) return end(Told("target " + target_name_ + " refused the request"));
    return settle();
  }
  if (success) {
    if (refused_) services_.pool.learn_limit(*refused_);
    program_.answer(true);
    return settle();
  }
  const bool has_run = program_.has_exited() || downstream_.bytes_sent() > 0;
  if (has_run) return program_.answer(false);
  if (!ask_afresh()) program_refused();
}

bool Session::ask_afresh() {
  const auto refused = ids_.trunk ? services_.pool.program_refused(*ids_.trunk) : std::nullopt;
  if (!refused || refused_) return false;
  if (!asked_.empty() || trunk_.lends() || downstream_.bytes_received() > 0) {
    services_.pool.learn_limit(*refused);  // for the next one
    return false;
  }
  refused_ = refused;
  input_ended_ = input_ended_ || has_said_eof(downstream_.state());
  unbind();
  enter(Phase::binding);
  start_upstream(route::Permit(*permit_));
  return true;
}

void Session::program_refused() {
  program_.record_failed("the target refused it");
  collect_again();
}

void Session::collect_again() {
  WishOrder::Entry::arrive(wish_);
  enter(Phase::collecting);
  refused_.reset();
  permit_.reset();
  program_.forget();
}

void Session::settle() {
  requests_.reset();
  permit_.reset();
  trunk_.settle();
  refused_.reset();
  downstream_.reserve(0);
  relay_.on_window(Side::downstream);
}

void Session::upstream_request(const wire::SessionRequest& request, bool want_reply) {
  note_life();
  const auto* const status = std::get_if<wire::ExitStatus>(&request);
  const auto* const signal = std::get_if<wire::ExitSignal>(&request);
  const bool is_exit = status != nullptr || signal != nullptr;
  if (phase_ != Phase::relaying || (is_exit ? program_.has_exited() : !downstream_.takes_requests())) {
    // A target has no business with so many; the client that doesn't read them must not cost us memory.
    if (want_reply && trunk_.channel() != nullptr) trunk_.channel()->answer_now(false);
    return;
  }
  if (status != nullptr) program_.record_exit(*status);
  if (signal != nullptr) program_.record_exit(*signal);
  downstream_.send_request(request, want_reply);
}

void Session::upstream_closed() {
  trunk_.note_closed();
  drop_upstream();
  enter(Phase::ended);
  // What has said something has run, whatever the target has left unanswered.
  if (!program_.has_exited() && downstream_.bytes_sent() == 0) {
    answer_unasked(false);
    program_.answer(false);
  }
  flush_said();
  downstream_.send_close();
}

}  // namespace sallyport::mux

// A session's side towards the target: the way to a channel there, what is asked on it, and what is answered.
#include <algorithm>
#include <utility>
#include <variant>

#include "mux/admission/permission.hpp"
#include "mux/admission/share_key.hpp"
#include "mux/flow/flow_credit.hpp"
#include "mux/session/program_start.hpp"
#include "mux/session/session.hpp"
#include "wire/channel_requests.hpp"
#include "wire/forwards.hpp"
#include "wire/messages.hpp"

namespace sallyport::mux {

// --- the way to a channel ----------------------------------------------------------------------------------------

TrunkAccess Session::access_to(const ResolvedTarget& target) {
  // A channel rule may lead to another target than the one that was thought of when the client lent something.
  lends_agent_ = requests_->agent() && borrows(target, Loan::agent);
  lends_display_ = requests_->display() && borrows(target, Loan::display);
  return trunk_access(client_, target, {lends_agent_, lends_display_});
}

bool Session::is_bound(const TrunkAccess& access) const { return bound_ == Bound{access.key, access.client.lends_agent}; }

bool Session::prepare_at(const std::optional<ResolvedTarget>& end) {
  // A login that asks a person something waits for the program: its request says that there is somebody at a terminal.
  if (!end || no_early_binding_ || asks_a_person(*end)) return false;
  TrunkAccess access = access_to(*end);
  if (is_bound(access)) {
    if (trunk_channel_ != nullptr) send_preparations();
    return true;
  }
  unbind();
  if (downstream_.account()->is_pressed()) return false;  // no channel is begun for what may never run
  target_name_ = end->name;
  bind(*end, std::move(access));
  return true;
}

void Session::start_upstream(const route::Permit& permit) {
  permit_ = std::make_unique<route::Permit>(permit);
  wish_ = order_.enter(target_name_, [this] { begin_upstream(); });
  TrunkAccess access = access_to(permit.target());
  if (!is_bound(access)) {
    unbind();
    bind(permit.target(), std::move(access));
  }
  if (const auto trunk = lease_ == nullptr ? ids_.trunk : lease_->asked_on()) wish_->plan(*trunk);
  begin_upstream();
}

void Session::bind(const ResolvedTarget& target, TrunkAccess access) {
  bound_ = Bound{access.key, access.client.lends_agent};
  OpenRequest request;
  if (wish_ != nullptr) request.beside = wish_->beside();
  request.afresh = refused_.has_value();
  // With a terminal, the login may ask a question, and showing it takes of the window that the target would have been
  // promised. And what it may send before the program runs is nothing.
  if (phase_ == Phase::binding && !had_pty_)
    request.granted = std::min({downstream_.window(), downstream_.credit(), FlowCredit::kFloorAlone});
  lease_ = services_.pool.lease(std::move(access), target, std::move(request), *this);
}

void Session::unbind() {
  asked_.clear();
  bound_.reset();
  passed_on_ = 0;
  relay_.part();
  end_login();
  lease_.reset();  // at once: what it would still bring along is not what is wanted any more
  if (Channel* channel = std::exchange(trunk_channel_, nullptr)) channel->abandon();
  ids_.trunk.reset();
}

void Session::on_agent_wanted(UpstreamAnswers& to) {
  if (!lends_agent_) return LeaseEvents::on_agent_wanted(to);
  agent_borrower_ = std::make_shared<AgentBorrower>(AgentBorrower{&to, target_name_});
  lender_.lend_agent_to(agent_borrower_);
}

void Session::on_question(UpstreamAnswers& to, const UpstreamQuestion& question) {
  if (!had_pty_) return LeaseEvents::on_question(to, question);
  if (eof_before_relaying_ && !question.prompts.empty())
    return to.refuse_answer("it asks a question, and there is no input to answer it");
  // Some clients take no input before they know that the program runs.
  answer_unasked(true);
  if (program_unanswered_) {
    program_answered_early_ = true;
    answer_program(true);
  }
  // A question may be the second one, and come while the first one's handler is on the stack.
  services_.graveyard.bury(std::move(dialog_));
  dialog_ = std::make_unique<LoginDialog>(
      downstream_, requests_->pty()->dimensions.columns, target_name_,
      LoginDialog::Handlers{.answered = [&to](std::vector<SecretString> answers) { to.answer(std::move(answers)); },
                            .cancelled = [&to] { to.refuse_answer("the question that it asks was not answered"); }});
  dialog_->ask(question);
}

void Session::end_login() {
  if (agent_borrower_ != nullptr) std::exchange(agent_borrower_, nullptr)->to = nullptr;
  services_.graveyard.bury(std::move(dialog_));
}

std::size_t Session::take_stray(std::size_t available) {
  const std::size_t taken = std::min<std::size_t>(available, stray_);
  stray_ -= static_cast<std::uint32_t>(taken);
  return taken;
}

void Session::on_leased(Channel& channel, TrunkId trunk) {
  end_login();
  stray_ = refused_ ? 0 : downstream_.granted();
  services_.graveyard.bury(std::move(lease_));
  ids_.trunk = trunk;
  trunk_channel_ = &channel;
  channel.attach(&upstream_events_);
  if (refused_ && channel.window() < downstream_.granted()) return program_refused();  // what the client may send has no room
  if (wish_ == nullptr) return send_preparations();
  wish_->plan(trunk);
  begin_upstream();
}

void Session::on_lease_failed(wire::OpenFailureReason, std::string_view told) {
  services_.graveyard.bury(std::move(lease_));  // it is on the stack
  if (phase_ == Phase::collecting) {
    // The program will be told why, if that fails then.
    no_early_binding_ = true;
    unbind();
    return answer_unasked(true);
  }
  end_login();
  if (refused_) return program_refused();
  deny(told, told);
}

// --- what is asked there -----------------------------------------------------------------------------------------

void Session::begin_upstream() {
  if (trunk_channel_ != nullptr && phase_ == Phase::binding && wish_->may_go(ids_.trunk)) go_upstream();
}

void Session::go_upstream() {
  wish_->note_gone(ids_.trunk);
  record_program();
  send_preparations();
  send_environment(*trunk_channel_, client_.grant.environment, running_);
  if (program_.want_reply) asked_.push_back({Asked::What::program});
  send_program(*trunk_channel_, program_);
  begin_relaying(*trunk_channel_);
}

void Session::send_preparations() {
  using Answer = PreparingRequest::Answer;
  std::vector<PreparingRequest>& requests = requests_->preparing();
  for (; passed_on_ < requests.size(); ++passed_on_) {
    PreparingRequest& request = requests[passed_on_];
    const std::optional<bool> known = lend(request.request);
    const bool want_reply = request.answer == Answer::owed || request.answer == Answer::promised;
    if (want_reply) asked_.push_back({Asked::What::preparation, passed_on_, known});
    if (!known) trunk_channel_->send_request(request.request, want_reply);
  }
  answer_known();
}

std::optional<bool> Session::lend(const wire::SessionRequest& request) {
  const bool is_agent = std::holds_alternative<wire::AgentRequest>(request);
  if (!is_agent && !std::holds_alternative<wire::X11Request>(request)) return std::nullopt;
  if (!(is_agent ? lends_agent_ : lends_display_)) return false;
  Trunk* const trunk = services_.pool.find(*ids_.trunk);  // of this connection alone: see trunk_access()
  if (trunk == nullptr) return false;                     // going; the channel will tell
  services_.journal.forward_opened(client_, ids_, wire::type_of(request), {}, target_name_);
  if (is_agent && !trunk->lend_agent(lender_)) return true;  // it has it already
  if (!is_agent) trunk->lend_display(lender_);
  return std::nullopt;
}

void Session::begin_relaying(ChannelEnd& upstream) {
  phase_ = Phase::relaying;
  for (const StoredRequest& request : requests_->take_later()) pass_on(upstream, request.request, request.want_reply);
  if (asked_.empty() && !program_.want_reply) settle();
  flush_said();
  if (relay_.joined()) return;
  if (eof_before_relaying_) upstream.send_eof();
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
  if (phase_ == Phase::relaying && asked_.empty() && !program_.want_reply) settle();
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
  if (std::exchange(program_answered_early_, false)) {
    if (!success) return end("target " + target_name_ + " refused the request");
    return settle();
  }
  if (success) {
    if (refused_) services_.pool.learn_limit(*refused_);
    answer_program(true);
    return settle();
  }
  const bool has_run = exit_passed_ || downstream_.bytes_sent() > 0;
  if (has_run) return answer_program(false);
  if (!ask_afresh()) program_refused();
}

bool Session::ask_afresh() {
  const auto refused = ids_.trunk ? services_.pool.program_refused(*ids_.trunk) : std::nullopt;
  if (!refused || refused_) return false;
  if (!asked_.empty() || lends_agent_ || lends_display_ || downstream_.bytes_received() > 0) {
    services_.pool.learn_limit(*refused);  // for the next one
    return false;
  }
  refused_ = refused;
  eof_before_relaying_ = eof_before_relaying_ || has_said_eof(downstream_.state());
  unbind();
  phase_ = Phase::binding;
  start_upstream(route::Permit(*permit_));
  return true;
}

void Session::program_refused() {
  services_.journal.program_failed(client_, ids_, program_.type(), program_.argument, "the target refused it");
  collect_again();
}

void Session::collect_again() {
  WishOrder::Wish::arrive(wish_);
  phase_ = Phase::collecting;
  refused_.reset();
  permit_.reset();
  recorded_ = false;
  running_ = {};
  kept_.set(0);
  answer_program(false);
  program_ = {};
}

void Session::settle() {
  requests_.reset();
  permit_.reset();
  refused_.reset();
  downstream_.reserve(0);
  relay_.on_window(Side::downstream);
}

void Session::upstream_request(const wire::SessionRequest& request, bool want_reply) {
  note_life();
  const auto* const status = std::get_if<wire::ExitStatus>(&request);
  const auto* const signal = std::get_if<wire::ExitSignal>(&request);
  const bool is_exit = status != nullptr || signal != nullptr;
  if (phase_ != Phase::relaying || (is_exit ? exit_passed_ : !downstream_.takes_requests())) {
    // A target has no business with so many; the client that doesn't read them must not cost us memory.
    if (want_reply && trunk_channel_ != nullptr) trunk_channel_->answer_now(false);
    return;
  }
  if (is_exit) exit_passed_ = true;
  if (status != nullptr) services_.journal.program_ended(client_, ids_, status->status, {});
  if (signal != nullptr) services_.journal.program_ended(client_, ids_, std::nullopt, signal->signal);
  downstream_.send_request(request, want_reply);
}

void Session::upstream_closed() {
  trunk_channel_ = nullptr;  // closed both ways: its connection frees it
  drop_upstream();
  phase_ = Phase::ended;
  // What has said something has run, whatever the target has left unanswered.
  if (!exit_passed_ && downstream_.bytes_sent() == 0) {
    answer_unasked(false);
    answer_program(false);
  }
  flush_said();
  downstream_.send_close();
}

}  // namespace sallyport::mux

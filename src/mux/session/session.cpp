#include "mux/session/session.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "mux/admission/permission.hpp"
#include "mux/session/unattended.hpp"
#include "wire/channel_requests.hpp"
#include "wire/messages.hpp"

namespace sallyport::mux {

using route::Act;

namespace {

/// What makes sense before a program runs; sshd takes none of these later.
bool prepares_program(Act act) {
  return act == Act::pty || act == Act::env || act == Act::lend_display || act == Act::lend_agent;
}

/// Says something about the channel, and is for no program.
bool is_remark(Act act) { return act == Act::end_of_write || act == Act::simple_channel || act == Act::window_probe; }

}  // namespace

Session::Session(const Services& services, const Admission& client, WishOrder& order, ChannelId id, Channel& downstream,
                 LenderEvents& lender)
    : LinkChannel(services, client, {client.id, id, std::nullopt}, {}),
      downstream_(downstream),
      order_(order),
      requests_(std::make_unique<SessionRequests>(downstream.account())),
      program_(services_.journal, client, ids_, target_name_, downstream),
      trunk_(services_, client, ids_, target_name_, downstream, lender, *this),
      local_(services_, downstream.account()),
      relay_(services.clock) {
  downstream_.attach(&downstream_events_);
}

Session::~Session() { drop_upstream(); }

void Session::describe(ChannelRow& row) const {
  row.type = "session";
  row.request = program_.request().type();
  row.command = program_.request().argument;
  row.state = phase_ == Phase::binding ? "connecting" : name_of(downstream_.state());
}

std::string_view Session::phase_name(Phase phase) {
  switch (phase) {
    case Phase::collecting: return "collecting";
    case Phase::binding: return "binding";
    case Phase::relaying: return "relaying";
    case Phase::ended: break;
  }
  return "ended";
}

void Session::enter(Phase phase) {
  const Phase from = std::exchange(phase_, phase);
  if (from != phase && services_.journal.follows_steps())
    services_.journal.tell(facts::SessionStep{client_.who(), ids_, phase_name(from), phase_name(phase)});
}

// --- events of the two ends --------------------------------------------------------------------------------------

void Session::EndEvents::on_data(ByteView bytes) {
  if (side == Side::downstream && session.trunk_.takes_data(bytes)) return;
  if (side == Side::downstream && session.refused_ && session.phase_ == Phase::binding) {
    session.unbind();  // it can't be kept for a fresh trunk
    return session.program_refused();
  }
  if (side == Side::downstream) bytes = bytes.subspan(session.trunk_.take_stray(bytes.size()));
  if (side == Side::upstream) session.note_life();
  if (!bytes.empty()) session.relay_.on_data(side, bytes);
}

Excess Session::EndEvents::on_excess(std::size_t size) {
  // Before a program runs sshd reads nothing either.
  if (side == Side::downstream && !session.relay_.joined()) return Excess::dropped;
  return session.relay_.judge_excess(side, size);
}

void Session::EndEvents::on_window() {
  if (side == Side::downstream && session.trunk_.takes_window()) return;
  if (side == Side::downstream) session.flush_said();
  session.relay_.on_window(side);
}

void Session::EndEvents::on_eof() {
  if (side == Side::downstream && !session.relay_.joined()) session.input_ended_ = true;
  if (side == Side::downstream && session.trunk_.takes_eof()) return;
  session.relay_.on_eof(side);
}

void Session::EndEvents::on_request(wire::SessionRequest request, bool want_reply) {
  side == Side::downstream ? session.client_request(std::move(request), want_reply)
                           : session.upstream_request(request, want_reply);
}

void Session::EndEvents::on_reply(bool success) {
  if (side == Side::upstream) return session.upstream_replied(success);
  if (ChannelEnd* const to = session.relay_.opposite(side)) to->send_reply(success);
}

void Session::EndEvents::on_close() { side == Side::downstream ? session.client_closed() : session.upstream_closed(); }

void Session::EndEvents::on_lost(Told told) {
  if (side == Side::downstream) return session.leave();
  if (session.phase_ == Phase::collecting) {  // there will be another one for the program
    session.unbind();
    return session.answer_unasked(true);
  }
  session.drop_upstream();
  session.end_with(told);
}

// --- requests of the client's ------------------------------------------------------------------------------------

void Session::client_request(wire::SessionRequest request, bool want_reply) {
  const std::string_view type = wire::type_of(request);
  if (auto program = program_of(request, want_reply)) {
    if (phase_ != Phase::collecting) return refuse(type, want_reply, "one program a session (RFC 4254, 6.5)");
    return start(*std::move(program));
  }
  const Act act = *route::act_of(route::ActKind::session_request, type);
  if (const route::Verdict verdict = judge(act, request); verdict.denial() != nullptr)
    return refuse(type, want_reply, verdict.reason());
  if (phase_ == Phase::collecting)
    return prepares_program(act) ? prepare(request, want_reply) : request_without_program(act, request, want_reply);
  if (prepares_program(act)) return refuse(type, want_reply, "a program has been asked for already");
  ChannelEnd* const upstream = relay_.end(Side::upstream);
  if (phase_ == Phase::relaying && upstream != nullptr && upstream->takes_requests())
    return pass_on(*upstream, request, want_reply);
  if (phase_ == Phase::binding) {
    // As long as nobody has been told how large the terminal is, only its last size counts.
    const auto* const resize = want_reply ? nullptr : std::get_if<WindowDimensions>(&request);
    if (resize != nullptr) requests_->resize(*resize);
    if ((resize != nullptr && had_pty_ && trunk_.channel() == nullptr) || requests_->add_later(request, want_reply)) return;
  }
  refuse(type, want_reply, {});  // too late, or too many
}

void Session::request_without_program(Act act, const wire::SessionRequest& request, bool want_reply) {
  // Nothing has been refused where a remark about the channel finds nobody.
  if (is_remark(act)) return refuse(wire::type_of(request), want_reply, {});
  const auto* const resize = std::get_if<WindowDimensions>(&request);
  if (resize == nullptr) return refuse(wire::type_of(request), want_reply, "nothing runs yet");
  requests_->resize(*resize);
  Channel* const upstream = trunk_.channel();
  if (upstream != nullptr && upstream->takes_requests()) return pass_on(*upstream, request, want_reply);
  if (want_reply) downstream_.answer_now(true);  // without a terminal it means nothing, and sshd says yes
}

void Session::refuse(std::string_view type, bool want_reply, std::string_view why) {
  if (want_reply) downstream_.answer_now(false);
  if (!why.empty()) services_.journal.tell(facts::RequestRefused{client_.who(), ids_, type, why});
}

route::Verdict Session::judge(Act act, const wire::SessionRequest& request) const {
  const auto* const env = std::get_if<wire::Env>(&request);
  const std::string_view name = env != nullptr ? std::string_view(env->name) : std::string_view{};
  return ask_policy(client_, services_.clock,
                    {.act = act, .argument = name, .running = phase_ == Phase::collecting ? nullptr : &program_.running()});
}

void Session::prepare(const wire::SessionRequest& request, bool want_reply) {
  if (const char* const why = requests_->keep(request, want_reply)) {
    if (const auto* const env = std::get_if<wire::Env>(&request); env != nullptr && !want_reply)
      say(Told("the variable " + env->name + " was left out: " + why));
    return refuse(wire::type_of(request), want_reply, why);
  }
  if (trunk_.channel() == nullptr && !want_reply) return;
  const std::optional<ResolvedTarget> end = where_programs_end(client_, services_.clock);
  if (end && end->kind == TargetKind::local) return answer_preparations(end->local);
  if (prepare_at(end) || !want_reply) return;
  if (client_waits_) return answer_unasked(true);
  if (sent_along_ != nullptr) return;
  sent_along_ = services_.clock.after(kSentAlong, [this] {
    sent_along_.reset();
    client_waits_ = true;
    answer_unasked(true);
  });
}

void Session::answer_unasked(bool success) {
  using Answer = PreparingRequest::Answer;
  if (requests_ == nullptr) return;
  for (PreparingRequest& request : requests_->preparing()) {
    if (request.answer != Answer::owed) continue;
    request.answer = success ? Answer::promised : Answer::given;
    downstream_.send_reply(success);
  }
}

void Session::start(ProgramRequest program) {
  const bool has_room = program_.ask(std::move(program));
  had_pty_ = requests_->pty() != nullptr;
  enter(Phase::binding);
  sent_along_.reset();
  using Answer = PreparingRequest::Answer;
  const auto is_promise = [](const PreparingRequest& request) { return request.answer == Answer::promised; };
  const auto& preparing = requests_->preparing();
  if (!said_.empty() || std::any_of(preparing.begin(), preparing.end(), is_promise)) downstream_.reserve(ClientNotes::kMost);
  if (!has_room) {
    constexpr std::string_view kTold = "too much is held for this connection already";
    deny(Told(kTold), kTold);
    return program_.drop_text();
  }
  const ProgramRequest& asked = program_.request();
  const route::Verdict verdict =
      ask_policy(client_, services_.clock, {.act = asked.act, .argument = asked.argument, .has_pty = had_pty_});
  if (const route::Denial* denied = verdict.denial()) return deny(Told(denied->told), verdict.reason());
  program_.allow(verdict.permit()->program());
  const ResolvedTarget& target = verdict.permit()->target();
  target_name_ = target.name;
  if (!relay_.joined()) relay_.limit(rate_limits(target.name, target.options));
  watch_idleness(target.options, "session:" + std::string(program_.request().type()));
  target.kind == TargetKind::local ? start_local(*verdict.permit()) : start_upstream(*verdict.permit());
}

void Session::deny(Told told, std::string_view why) {
  program_.record_refused(told, why);
  drop_upstream();
  end_with(told);
}

// --- an endpoint on the bastion ----------------------------------------------------------------------------------

void Session::start_local(const route::Permit& permit) {
  const ResolvedTarget& target = permit.target();
  unbind();
  answer_preparations(target.local);
  if (!has_program(target.local, program_.request())) {
    program_.record_refused(Told("no such subsystem"), "target " + target.name + " has none of that name");
    return collect_again();
  }
  wish_ = order_.enter(target_name_, [this] { begin_local(); });
  permit_ = std::make_unique<route::Permit>(permit);
  begin_local();
}

void Session::begin_local() {
  if (permit_ == nullptr || !wish_->may_go(std::nullopt)) return;
  wish_->note_gone(std::nullopt);
  const std::unique_ptr<route::Permit> permit = std::move(permit_);
  const auto started = [this] {
    wish_.reset();
    program_.record_started();
  };
  const auto failed = [this](const Error& why) {
    wish_.reset();
    program_.record_not_started(why.detail);
  };
  const bool want_reply = program_.request().want_reply;
  LocalEndpoint& end = local_.start(process_spec(permit->target(), client_, program_.request(), program_.running(), *requests_),
                                    want_reply, upstream_events_, LocalEndpoint::Outcome{started, failed});
  if (want_reply) asked_.push_back({Asked::What::program});
  begin_relaying(end);
}

void Session::answer_preparations(const LocalSettings& local) {
  using Answer = PreparingRequest::Answer;
  for (PreparingRequest& request : requests_->preparing()) {
    const bool success = accepts(local, request.request);
    if (request.answer == Answer::promised && !success) tell_refused(request, "the bastion");
    if (request.answer == Answer::owed) downstream_.send_reply(success);
    if (request.answer != Answer::unwanted) request.answer = Answer::given;
  }
}

// --- the end -----------------------------------------------------------------------------------------------------

void Session::drop_upstream() {
  wish_.reset();
  permit_.reset();
  sent_along_.reset();
  asked_.clear();
  relay_.part();
  trunk_.drop();
  if (!local_.runs()) return;
  program_.record_started();  // what is hung up before it has told may have started all the same
  local_.drop();
}

// Who wants no answer may leave at once, and the program runs all the same: at sshd it does.
void Session::client_closed() {
  const bool stays = phase_ != Phase::collecting && !program_.request().want_reply && !has_left() &&
                     services_.unattended.has_room_for(client_.user);
  if (stays && local_.runs() && !had_pty_) {
    relay_.part();
    program_.record_started();
    services_.unattended.keep(client_, ids_, local_.give_away());
  } else if (stays && phase_ == Phase::binding && trunk_.channel() != nullptr) {
    go_upstream();  // before its turn, which won't come any more
  } else if (const ChannelWish* const wish = trunk_.wish(); stays && wish != nullptr && !trunk_.lends()) {
    ProgramStart start{std::move(requests_), client_.grant.environment, program_.running(), program_.request(), input_ended_};
    services_.unattended.start(client_, ids_, std::move(start), wish->access());
  }
  leave();
}

void Session::let_go() {
  drop_upstream();
  enter(Phase::ended);
}

void Session::end(Told told) {
  if (phase_ == Phase::ended) return;
  drop_upstream();
  end_with(told);
}

void Session::end_with(Told told) {
  enter(Phase::ended);
  answer_unasked(true);
  program_.answer(true);  // a refused request would leave the client nothing to show but its own guess
  say(told);
  said_.cut(downstream_.whole_window());
  flush_said();
  if (!program_.has_exited()) downstream_.send_request(wire::ExitStatus{kOurExitStatus}, false);
  downstream_.send_eof();
  downstream_.send_close();
}

void Session::say(Told told) {
  said_.add(told, had_pty_);
  flush_said();
}

void Session::flush_said() {
  if (said_.empty() || phase_ == Phase::collecting) return;
  // What others may send has been promised its place in the client's window.
  const ChannelEnd* const upstream = trunk_.channel() != nullptr ? trunk_.channel() : relay_.end(Side::upstream);
  const std::uint32_t promised = upstream == nullptr ? 0 : upstream->flow().granted;
  if (downstream_.whole_window() < promised) return;
  const std::string text = said_.take(downstream_.whole_window() - promised);
  if (!text.empty()) downstream_.send_extended_data(wire::kExtendedDataStderr, bytes_of(text));
}

void Session::tell_refused(const PreparingRequest& request, std::string_view by) {
  std::string what = "the terminal";
  if (const auto* const env = std::get_if<wire::Env>(&request.request)) what = "the variable " + env->name;
  if (std::holds_alternative<wire::AgentRequest>(request.request)) what = "your agent";
  if (std::holds_alternative<wire::X11Request>(request.request)) what = "your display";
  say(Told(std::string(by) + " refused " + what));
  services_.journal.tell(facts::RequestRefused{client_.who(), ids_, wire::type_of(request.request),
                                               std::string(by) + " refused it, after the client had been told yes"});
}

}  // namespace sallyport::mux

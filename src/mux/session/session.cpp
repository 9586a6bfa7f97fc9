#include "mux/session/session.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "match/match.hpp"
#include "mux/admission/permission.hpp"
#include "mux/protocol/shown_text.hpp"
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

/// Of what is told to a client that takes nothing, more is dropped.
constexpr std::uint32_t kMostSaid = 4 * 1024;
/// Of so many bytes a text is not worth counting.
constexpr std::size_t kShortProgram = 4 * 1024;

/// Whether a program there gets a variable of that name from the client.
bool accepts(const LocalSettings& local, const std::string& variable) {
  return std::any_of(local.accept_environment.begin(), local.accept_environment.end(),
                     [&variable](const std::string& pattern) { return config::glob_matches(pattern, variable); });
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Session::Session(const Services& services, const Admission& client, WishOrder& order, ChannelId id, Channel& downstream,
                 LenderEvents& lender)
    : LinkChannel(services, client, {client.id, id, std::nullopt}, {}),
      downstream_(downstream),
      order_(order),
      lender_(lender),
      requests_(std::make_unique<SessionRequests>(downstream.account())),
      kept_(downstream.account()),
      relay_(services.clock) {
  downstream_.attach(&downstream_events_);
}

Session::~Session() { drop_upstream(); }

void Session::describe(ChannelRow& row) const {
  row.type = "session";
  row.request = program_.type();
  row.command = program_.argument;
  row.state = phase_ == Phase::binding ? "connecting" : name_of(downstream_.state());
}

// --- events of the two ends --------------------------------------------------------------------------------------

void Session::EndEvents::on_data(ByteView bytes) {
  if (side == Side::downstream && session.dialog_ != nullptr) return session.dialog_->on_data(bytes);
  if (side == Side::downstream && session.refused_ && session.phase_ == Phase::binding) {
    session.unbind();  // it can't be kept for a fresh trunk
    return session.program_refused();
  }
  if (side == Side::downstream) bytes = bytes.subspan(session.take_stray(bytes.size()));
  if (side == Side::upstream) session.note_life();
  if (!bytes.empty()) session.relay_.on_data(side, bytes);
}

Excess Session::EndEvents::on_excess(std::size_t size) {
  // Before a program runs sshd reads nothing either.
  if (side == Side::downstream && !session.relay_.joined()) return Excess::dropped;
  return session.relay_.judge_excess(side, size);
}

void Session::EndEvents::on_window() {
  if (side == Side::downstream && session.dialog_ != nullptr) return session.dialog_->on_window();
  if (side == Side::downstream) session.flush_said();
  session.relay_.on_window(side);
}

void Session::EndEvents::on_eof() {
  if (side == Side::downstream && !session.relay_.joined()) session.eof_before_relaying_ = true;
  if (side == Side::downstream && session.dialog_ != nullptr) return session.dialog_->on_eof();
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

void Session::EndEvents::on_lost(std::string_view told) {
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
    if ((resize != nullptr && had_pty_ && trunk_channel_ == nullptr) || requests_->add_later(request, want_reply)) return;
  }
  refuse(type, want_reply, {});  // too late, or too many
}

void Session::request_without_program(Act act, const wire::SessionRequest& request, bool want_reply) {
  // Nothing has been refused where a remark about the channel finds nobody.
  if (is_remark(act)) return refuse(wire::type_of(request), want_reply, {});
  const auto* const resize = std::get_if<WindowDimensions>(&request);
  if (resize == nullptr) return refuse(wire::type_of(request), want_reply, "nothing runs yet");
  requests_->resize(*resize);
  if (trunk_channel_ != nullptr && trunk_channel_->takes_requests()) return pass_on(*trunk_channel_, request, want_reply);
  if (want_reply) downstream_.answer_now(true);  // without a terminal it means nothing, and sshd says yes
}

void Session::refuse(std::string_view type, bool want_reply, std::string_view why) {
  if (want_reply) downstream_.answer_now(false);
  if (!why.empty()) services_.journal.request_refused(client_, ids_, type, why);
}

route::Verdict Session::judge(Act act, const wire::SessionRequest& request) const {
  const auto* const env = std::get_if<wire::Env>(&request);
  const std::string_view name = env != nullptr ? std::string_view(env->name) : std::string_view{};
  return ask_policy(client_, services_.clock,
                    {.act = act, .argument = name, .running = phase_ == Phase::collecting ? nullptr : &running_});
}

void Session::prepare(const wire::SessionRequest& request, bool want_reply) {
  if (const char* const why = requests_->keep(request, want_reply)) {
    if (const auto* const env = std::get_if<wire::Env>(&request); env != nullptr && !want_reply)
      say("the variable " + env->name + " was left out: " + why);
    return refuse(wire::type_of(request), want_reply, why);
  }
  if (trunk_channel_ == nullptr && !want_reply) return;
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
  program_ = std::move(program);
  const bool is_short = program_.argument.size() <= kShortProgram;
  kept_.set(is_short ? 0 : 2 * program_.argument.size());  // as it was asked for, and as it runs
  program_unanswered_ = program_.want_reply;
  had_pty_ = requests_->pty() != nullptr;
  phase_ = Phase::binding;
  sent_along_.reset();
  using Answer = PreparingRequest::Answer;
  const auto is_promise = [](const PreparingRequest& request) { return request.answer == Answer::promised; };
  const auto& preparing = requests_->preparing();
  if (!said_.empty() || std::any_of(preparing.begin(), preparing.end(), is_promise)) downstream_.reserve(kMostSaid);
  if (!is_short && downstream_.account()->is_pressed()) {
    constexpr std::string_view kTold = "too much is held for this connection already";
    deny(kTold, kTold);
    program_.argument = {};
    return kept_.set(0);
  }
  const route::Verdict verdict =
      ask_policy(client_, services_.clock, {.act = program_.act, .argument = program_.argument, .has_pty = had_pty_});
  if (const route::Denial* denied = verdict.denial()) return deny(denied->told, verdict.reason());
  running_ = verdict.permit()->program();
  program_.act = running_.act;
  program_.argument = running_.argument;
  const ResolvedTarget& target = verdict.permit()->target();
  target_name_ = target.name;
  if (!relay_.joined()) relay_.limit(rate_limits(target.name, target.options));
  watch_idleness(target.options, "session:" + std::string(program_.type()));
  target.kind == TargetKind::local ? start_local(*verdict.permit()) : start_upstream(*verdict.permit());
}

void Session::deny(std::string_view told, std::string_view why) {
  services_.journal.program_refused(client_, ids_, program_.type(), program_.argument, told, why);
  drop_upstream();
  end_with(told);
}

// --- an endpoint on the bastion ----------------------------------------------------------------------------------

void Session::start_local(const route::Permit& permit) {
  const ResolvedTarget& target = permit.target();
  unbind();
  answer_preparations(target.local);
  if (program_.act == Act::subsystem && !target.local.subsystems.contains(program_.argument)) {
    services_.journal.program_refused(client_, ids_, program_.type(), program_.argument, "no such subsystem",
                                      "target " + target.name + " has none of that name");
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
  const ResolvedTarget& target = permit->target();
  const LocalSettings& local = target.local;
  std::vector<std::string> argv = local.shell;
  if (program_.act == Act::exec) {
    argv.push_back("-c");
    argv.push_back(program_.argument);
  } else if (program_.act == Act::subsystem) {
    argv = local.subsystems.at(program_.argument);
  }
  const auto started = [this] {
    wish_.reset();
    record_program();
  };
  const auto failed = [this](const Error& why) {
    recorded_ = true;
    wish_.reset();
    services_.journal.program_failed(client_, ids_, program_.type(), program_.argument, why.detail);
  };
  local_ = std::make_unique<LocalEndpoint>(services_.processes, process_spec(target, std::move(argv)), program_.want_reply,
                                           upstream_events_, LocalEndpoint::Outcome{started, failed}, downstream_.account());
  if (program_.want_reply) asked_.push_back({Asked::What::program});
  begin_relaying(*local_);
}

void Session::answer_preparations(const LocalSettings& local) {
  using Answer = PreparingRequest::Answer;
  for (PreparingRequest& request : requests_->preparing()) {
    const auto* const env = std::get_if<wire::Env>(&request.request);
    const bool success = env == nullptr || accepts(local, env->name);
    if (request.answer == Answer::promised && !success) tell_refused(request, "the bastion");
    if (request.answer == Answer::owed) downstream_.send_reply(success);
    if (request.answer != Answer::unwanted) request.answer = Answer::given;
  }
}

void Session::record_program() {
  if (std::exchange(recorded_, true)) return;
  services_.journal.program_started(client_, ids_, program_.type(), program_.argument, target_name_);
}

ProcessSpec Session::process_spec(const ResolvedTarget& target, std::vector<std::string> command) const {
  const LocalSettings& local = target.local;
  ProcessSpec spec;
  spec.argv = std::move(command);
  if (program_.act == Act::shell) spec.argv0 = "-" + base_name(spec.argv.front());
  spec.user = local.user;
  spec.client = client_.user;
  spec.login = local_login(local, client_.source.address);
  if (const PtyRequest* const pty = requests_->pty()) spec.pty = *pty;
  for (const auto& [name, value] : requests_->variables())
    if (accepts(local, name)) spec.environment.emplace_back(name, value);
  for (const auto& [name, value] : local.environment) spec.environment.emplace_back(name, value);
  for (const auto& [name, value] : client_.grant.environment) spec.environment.emplace_back(name, value);
  if (running_.original) spec.environment.emplace_back("SSH_ORIGINAL_COMMAND", *running_.original);
  const std::string source = client_.source.address + " " + std::to_string(client_.source.port);
  const std::string port = std::to_string(client_.local.port);
  spec.environment.emplace_back("SSH_CLIENT", source + " " + port);
  spec.environment.emplace_back("SSH_CONNECTION", source + " " + client_.local.address + " " + port);
  return spec;
}

// --- the end -----------------------------------------------------------------------------------------------------

void Session::drop_upstream() {
  wish_.reset();
  permit_.reset();
  sent_along_.reset();
  asked_.clear();
  bound_.reset();
  relay_.part();
  end_login();
  lease_.reset();
  if (Channel* channel = std::exchange(trunk_channel_, nullptr)) channel->abandon();
  if (local_ == nullptr) return;
  // What is hung up before it has told may have started all the same.
  record_program();
  local_->abandon();                            // it reports nothing more, wherever it is
  services_.graveyard.bury(std::move(local_));  // perhaps it is reporting just now
}

// Who wants no answer may leave at once, and the program runs all the same: at sshd it does.
void Session::client_closed() {
  const bool stays =
      phase_ != Phase::collecting && !program_.want_reply && !has_left() && services_.unattended.has_room_for(client_.user);
  if (stays && local_ != nullptr && !had_pty_) {
    relay_.part();
    record_program();
    services_.unattended.keep(client_, ids_, std::move(local_));
  } else if (stays && phase_ == Phase::binding && trunk_channel_ != nullptr) {
    go_upstream();  // before its turn, which won't come any more
  } else if (stays && lease_ != nullptr && !lends_agent_ && !lends_display_) {
    ProgramStart start{std::move(requests_), client_.grant.environment, running_, program_, eof_before_relaying_};
    services_.unattended.start(client_, ids_, std::move(start), lease_->access(), lease_->target());
  }
  leave();
}

void Session::let_go() {
  drop_upstream();
  phase_ = Phase::ended;
}

void Session::end(std::string_view told) {
  if (phase_ == Phase::ended) return;
  drop_upstream();
  end_with(told);
}

void Session::end_with(std::string_view told) {
  phase_ = Phase::ended;
  answer_unasked(true);
  answer_program(true);  // a refused request would leave the client nothing to show but its own guess
  say(told);
  said_.resize(std::min<std::size_t>(said_.size(), downstream_.whole_window()));
  flush_said();
  if (!exit_passed_) downstream_.send_request(wire::ExitStatus{kOurExitStatus}, false);
  downstream_.send_eof();
  downstream_.send_close();
}

void Session::say(std::string_view told) {
  std::string line = "sallyport: " + clean_for_terminal(told) + "\r\n";
  if (!had_pty_) std::erase(line, '\r');
  if (said_.size() + line.size() <= kMostSaid) said_ += line;
  if (phase_ != Phase::collecting) flush_said();
}

void Session::flush_said() {
  if (said_.empty() || phase_ == Phase::collecting) return;
  // What others may send has been promised its place in the client's window.
  const ChannelEnd* const upstream = trunk_channel_ != nullptr ? trunk_channel_ : relay_.end(Side::upstream);
  const std::uint32_t promised = upstream == nullptr ? 0 : upstream->granted();
  if (downstream_.whole_window() < promised || downstream_.whole_window() - promised < said_.size()) return;
  downstream_.send_extended_data(wire::kExtendedDataStderr, bytes_of(std::exchange(said_, {})));
}

void Session::tell_refused(const PreparingRequest& request, std::string_view by) {
  std::string what = "the terminal";
  if (const auto* const env = std::get_if<wire::Env>(&request.request)) what = "the variable " + env->name;
  if (std::holds_alternative<wire::AgentRequest>(request.request)) what = "your agent";
  if (std::holds_alternative<wire::X11Request>(request.request)) what = "your display";
  say(std::string(by) + " refused " + what);
  services_.journal.request_refused(client_, ids_, wire::type_of(request.request),
                                    std::string(by) + " refused it, after the client had been told yes");
}

void Session::answer_program(bool success) {
  if (std::exchange(program_unanswered_, false)) downstream_.send_reply(success);
}

}  // namespace sallyport::mux

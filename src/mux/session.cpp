#include "mux/session.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "config/match.hpp"
#include "mux/permission.hpp"
#include "mux/share_key.hpp"
#include "mux/shown_text.hpp"
#include "wire/channel_requests.hpp"
#include "wire/encoding.hpp"
#include "wire/forwards.hpp"
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

bool is_program(Act act) { return act == Act::shell || act == Act::exec || act == Act::subsystem; }

/// Of so many bytes a text is not worth counting.
constexpr std::size_t kShortProgram = 4 * 1024;
constexpr std::string_view kOriginalCommand = "SSH_ORIGINAL_COMMAND";

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Session::Session(const Services& services, const Admission& client, ChannelId id, Channel& downstream,
                 LenderEvents& lender)
    : services_(services),
      client_(client),
      ids_{client.id, id, std::nullopt},
      downstream_(downstream),
      lender_(lender),
      requests_(std::make_unique<SessionRequests>(downstream.account())),
      kept_(downstream.account()),
      relay_(services.clock),
      since_(services.clock.now()) {
  downstream_.attach(&downstream_events_);
}

Session::~Session() { drop_upstream(); }

ChannelRow Session::row() const {
  ChannelRow row;
  row.id = ids_.channel;
  row.connection = ids_.connection;
  row.user = client_.user;
  row.trunk = ids_.trunk;
  row.target = target_name_;
  row.type = "session";
  row.request = program_.type;
  row.command = program_.argument;
  row.state = phase_ == Phase::binding ? "connecting" : name_of(downstream_.state());
  row.since = since_;
  row.bytes = {downstream_.bytes_received(), downstream_.bytes_sent()};
  return row;
}

// --- events of the two ends --------------------------------------------------------------------------------------

void Session::EndEvents::on_data(ByteView bytes) {
  if (side == Side::downstream && session.dialog_ != nullptr) return session.dialog_->on_data(bytes);
  if (side == Side::downstream) bytes = bytes.subspan(session.take_stray(bytes.size()));
  if (!bytes.empty()) session.relay_.on_data(side, bytes);
}

Excess Session::EndEvents::on_excess(std::size_t size) {
  // Before a program runs sshd reads nothing either.
  if (side == Side::downstream && !session.relay_.joined()) return Excess::dropped;
  return session.relay_.judge_excess(side, size);
}

void Session::EndEvents::on_window() {
  if (side == Side::downstream && session.dialog_ != nullptr) return session.dialog_->on_window();
  session.relay_.on_window(side);
}

void Session::EndEvents::on_eof() {
  if (side == Side::downstream && !session.relay_.joined()) session.eof_before_relaying_ = true;
  if (side == Side::downstream && session.dialog_ != nullptr) return session.dialog_->on_eof();
  session.relay_.on_eof(side);
}

void Session::EndEvents::on_request(std::string_view type, bool want_reply, ByteView rest) {
  side == Side::downstream ? session.client_request(type, want_reply, rest)
                           : session.upstream_request(type, want_reply, rest);
}

void Session::EndEvents::on_reply(bool success) {
  ChannelEnd* to = session.relay_.opposite(side);
  if (to == nullptr) return;
  if (side == Side::upstream && std::exchange(session.program_answered_early_, false)) {
    if (!success) session.end("target " + session.target_name_ + " refused the request");
    return;
  }
  if (side == Side::upstream) session.program_unanswered_ = false;
  to->send_reply(success);
}

void Session::EndEvents::on_close() { side == Side::downstream ? session.client_closed() : session.upstream_closed(); }

void Session::EndEvents::on_lost(std::string_view told) {
  if (side == Side::downstream) return session.leave();
  session.drop_upstream();
  session.end_with(told);
}

// --- requests of the client's ------------------------------------------------------------------------------------

void Session::client_request(std::string_view type, bool want_reply, ByteView rest) {
  const Act act = *route::act_of(route::ActKind::session_request, type);
  if (is_program(act)) {
    if (phase_ != Phase::collecting) return refuse(type, want_reply, "one program a session (RFC 4254, 6.5)");
    const std::string_view argument = act == Act::shell ? std::string_view{} : *wire::parse_single_string(rest);
    return start(act, {std::string(type), std::string(argument), want_reply});
  }
  if (const route::Verdict verdict = judge(act, rest); verdict.denial() != nullptr)
    return refuse(type, want_reply, verdict.reason());
  if (phase_ == Phase::collecting) {
    // Nothing has been refused where a remark about the channel finds nobody.
    if (is_remark(act)) return refuse(type, want_reply, {});
    if (const char* why = collect(act, rest)) return refuse(type, want_reply, why);
    if (want_reply) downstream_.answer_now(true);
    return;
  }
  if (prepares_program(act)) return refuse(type, want_reply, "a program has been asked for already");
  ChannelEnd* upstream = relay_.end(Side::upstream);
  if (upstream != nullptr && upstream->takes_requests()) return upstream->send_request(type, want_reply, rest);
  if (phase_ == Phase::binding && requests_->add_later(type, want_reply, rest)) return;
  refuse(type, want_reply, {});  // too late, or too many
}

void Session::refuse(std::string_view type, bool want_reply, std::string_view why) {
  if (want_reply) downstream_.answer_now(false);
  if (!why.empty()) services_.journal.request_refused(client_, ids_, type, why);
}

route::Verdict Session::judge(Act act, ByteView rest) const {
  const std::string_view name = act == Act::env ? wire::parse_env(rest)->name : std::string_view{};
  return ask_policy(client_, services_.clock,
                    {.act = act, .argument = name, .running = phase_ == Phase::collecting ? nullptr : &running_});
}

const char* Session::collect(Act act, ByteView rest) {
  switch (act) {
    case Act::env: {
      const auto env = *wire::parse_env(rest);
      return requests_->add_variable(env.name, env.value) ? nullptr : "too many variables";
    }
    case Act::pty: {
      const auto pty = *wire::parse_pty_req(rest);
      const bool kept =
          requests_->set_pty({std::string(pty.term), pty.dimensions, Bytes(pty.modes.begin(), pty.modes.end())});
      return kept ? nullptr : "there is a terminal already, or this one is too large";
    }
    case Act::window_change:
      requests_->resize(*wire::parse_window_change(rest));
      return nullptr;  // without a terminal it means nothing, and sshd says yes
    case Act::lend_agent:
      return requests_->want_agent() ? nullptr : "the agent has been lent already";
    case Act::lend_display:
      if (!is_sound_x11_request(rest)) return "not what xauth understands";
      return requests_->want_display(rest) ? nullptr : "the display has been lent already";
    default:
      return "nothing runs yet";
  }
}

void Session::start(Act act, ProgramRequest program) {
  program_ = std::move(program);
  const bool is_short = program_.argument.size() <= kShortProgram;
  kept_.set(is_short ? 0 : 2 * program_.argument.size());  // as it was asked for, and as it runs
  program_unanswered_ = program_.want_reply;
  had_pty_ = requests_->has_pty();
  phase_ = Phase::binding;
  if (!is_short && downstream_.account()->is_pressed()) {
    constexpr std::string_view kTold = "too much is held for this connection already";
    deny(kTold, kTold);
    program_.argument = {};
    return kept_.set(0);
  }
  const route::Verdict verdict =
      ask_policy(client_, services_.clock, {.act = act, .argument = program_.argument, .has_pty = had_pty_});
  if (const route::Denial* denied = verdict.denial()) return deny(denied->told, verdict.reason());
  running_ = verdict.permit()->program();
  program_.type = route::info_of(running_.act).wire;
  program_.argument = running_.argument;
  const ResolvedTarget& target = verdict.permit()->target();
  target_name_ = target.name;
  relay_.limit(services_.rates.limits_of(client_.user, target.name, static_cast<std::uint64_t>(target.options.rate_limit),
                                         services_.clock.now()));
  watch_idleness(target.options);
  target.kind == TargetKind::local ? start_local(*verdict.permit()) : start_upstream(*verdict.permit());
}

void Session::watch_idleness(const Options& options) {
  const std::string kind = "session:" + program_.type;
  const Duration timeout = channel_timeout(options, kind);
  if (timeout == Duration::zero()) return;
  idle_.emplace(services_.clock, timeout, [this] { return downstream_.bytes_received() + downstream_.bytes_sent(); },
                [this, kind, timeout] {
                  services_.journal.channel_idle(client_, ids_, kind, timeout);
                  end("nothing has happened here for too long");
                });
}

void Session::deny(std::string_view told, std::string_view why) {
  services_.journal.program_refused(client_, ids_, program_.type, program_.argument, told, why);
  end_with(told);
}

// --- an endpoint on the bastion ----------------------------------------------------------------------------------

void Session::start_local(const route::Permit& permit) {
  const ResolvedTarget& target = permit.target();
  const LocalSettings& local = target.local;
  std::vector<std::string> argv = local.shell;
  if (program_.type == "exec") {
    argv.push_back("-c");
    argv.push_back(program_.argument);
  } else if (program_.type == "subsystem") {
    const auto subsystem = local.subsystems.find(program_.argument);
    if (subsystem == local.subsystems.end()) {
      services_.journal.program_refused(client_, ids_, program_.type, program_.argument, "no such subsystem",
                                        "target " + target.name + " has none of that name");
      phase_ = Phase::collecting;  // as with sshd, the client may ask for something else
      return answer_program(false);
    }
    argv = subsystem->second;
  }
  const auto failed = [this](const Error& why) {
    recorded_ = true;
    services_.journal.program_failed(client_, ids_, program_.type, program_.argument, why.detail);
  };
  local_ = std::make_unique<LocalEndpoint>(services_.processes, process_spec(target, std::move(argv)),
                                           program_.want_reply, upstream_events_,
                                           LocalEndpoint::Outcome{[this] { record_program(); }, failed},
                                           downstream_.account());
  begin_relaying(*local_);
}

void Session::record_program() {
  if (std::exchange(recorded_, true)) return;
  services_.journal.program_started(client_, ids_, program_.type, program_.argument, target_name_);
}

ProcessSpec Session::process_spec(const ResolvedTarget& target, std::vector<std::string> command) const {
  const LocalSettings& local = target.local;
  ProcessSpec spec;
  spec.argv = std::move(command);
  if (program_.type == "shell") spec.argv0 = "-" + base_name(spec.argv.front());
  spec.user = local.user;
  spec.login = local_login(local, client_.source.address);
  spec.pty = requests_->pty();
  const auto is_accepted = [&local](const std::string& name) {
    return std::any_of(local.accept_environment.begin(), local.accept_environment.end(),
                       [&name](const std::string& pattern) { return config::glob_matches(pattern, name); });
  };
  for (const auto& [name, value] : requests_->variables())
    if (is_accepted(name)) spec.environment.emplace_back(name, value);
  for (const auto& [name, value] : local.environment) spec.environment.emplace_back(name, value);
  for (const auto& [name, value] : client_.grant.environment) spec.environment.emplace_back(name, value);
  if (running_.original) spec.environment.emplace_back(kOriginalCommand, *running_.original);
  const std::string source = client_.source.address + " " + std::to_string(client_.source.port);
  const std::string port = std::to_string(client_.local.port);
  spec.environment.emplace_back("SSH_CLIENT", source + " " + port);
  spec.environment.emplace_back("SSH_CONNECTION", source + " " + client_.local.address + " " + port);
  return spec;
}

// --- an endpoint at a target -------------------------------------------------------------------------------------

void Session::start_upstream(const route::Permit& permit) {
  const ResolvedTarget& target = permit.target();
  OpenRequest request;
  // With a terminal, the login may ask a question, and showing it takes of the window that the target would have been
  // promised.
  request.granted = had_pty_ ? 0 : std::min({downstream_.window(), downstream_.credit(), FlowCredit::kFloorAlone});
  // A channel rule may have led to another target than the one that was thought of when the client asked.
  lends_agent_ = requests_->agent() && borrows(target, Loan::agent);
  lends_display_ = requests_->display() && borrows(target, Loan::display);
  lease_ = services_.pool.lease(trunk_access(client_, target, {lends_agent_, lends_display_}), target, std::move(request), *this);
}

void Session::on_agent_wanted(UpstreamAnswers& to) {
  if (!lends_agent_) return LeaseEvents::on_agent_wanted(to);
  agent_borrower_ = std::make_shared<AgentBorrower>(AgentBorrower{&to, target_name_});
  lender_.lend_agent_to(agent_borrower_);
}

void Session::on_question(UpstreamAnswers& to, const UpstreamQuestion& question) {
  if (!had_pty_) return LeaseEvents::on_question(to, question);
  if (eof_before_relaying_) return to.refuse_answer("it asks a question, and there is no input to answer it");
  // Some clients take no input before they know that the program runs.
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
  stray_ = downstream_.granted();
  services_.graveyard.bury(std::move(lease_));
  ids_.trunk = trunk;
  record_program();
  trunk_channel_ = &channel;
  channel.attach(&upstream_events_);
  send_requests_upstream();
  begin_relaying(channel);
}

void Session::send_requests_upstream() {
  send_preparations(*trunk_channel_, *requests_, client_.grant.environment, running_);
  send_loans_upstream();
  send_program(*trunk_channel_, program_);
}

void Session::send_loans_upstream() {
  if (!lends_agent_ && !lends_display_) return;
  Trunk* trunk = services_.pool.find(*ids_.trunk);  // of this connection alone: see trunk_access()
  if (trunk == nullptr) return;                     // going; the channel will tell
  if (lends_agent_) {
    services_.journal.forward_opened(client_, ids_, wire::kAgentRequest, {}, target_name_);
    if (trunk->lend_agent(lender_)) trunk_channel_->send_request(wire::kAgentRequest, false, {});
  }
  if (lends_display_) {
    services_.journal.forward_opened(client_, ids_, wire::kX11Request, {}, target_name_);
    trunk->lend_display(lender_);
    trunk_channel_->send_request(wire::kX11Request, false, *requests_->display());
  }
}

void Session::on_lease_failed(wire::OpenFailureReason, std::string_view told) {
  end_login();
  services_.graveyard.bury(std::move(lease_));
  deny(told, told);
}

// --- relaying ----------------------------------------------------------------------------------------------------

void Session::begin_relaying(ChannelEnd& upstream) {
  phase_ = Phase::relaying;
  const std::unique_ptr<SessionRequests> requests = std::move(requests_);
  send_later(upstream, *requests);
  if (eof_before_relaying_) upstream.send_eof();
  relay_.join(downstream_, upstream);
}

void Session::upstream_request(std::string_view type, bool want_reply, ByteView rest) {
  if (phase_ != Phase::relaying) return;
  const bool exit = type == "exit-status" || type == "exit-signal";
  if (exit ? exit_passed_ : !downstream_.takes_requests()) {
    // A target has no business with so many; the client that doesn't read them must not cost us memory.
    if (want_reply && trunk_channel_ != nullptr) trunk_channel_->answer_now(false);
    return;
  }
  if (type == "exit-status") {
    exit_passed_ = true;
    services_.journal.program_ended(client_, ids_, wire::parse_single_uint32(rest), {});
  } else if (type == "exit-signal") {
    exit_passed_ = true;
    services_.journal.program_ended(client_, ids_, std::nullopt, wire::parse_exit_signal(rest)->signal);
  }
  downstream_.send_request(type, want_reply, rest);
}

void Session::upstream_closed() {
  trunk_channel_ = nullptr;  // closed both ways: its connection frees it
  drop_upstream();
  phase_ = Phase::ended;
  answer_program(false);
  downstream_.send_close();
}

void Session::drop_upstream() {
  relay_.part();
  end_login();
  lease_.reset();
  if (Channel* channel = std::exchange(trunk_channel_, nullptr)) channel->abandon();
  // What is hung up before it has told may have started all the same.
  if (local_ != nullptr) record_program();
  services_.graveyard.bury(std::move(local_));  // perhaps it is reporting just now
}

// Who wants no answer may leave at once, and the program runs all the same: at sshd it does.
void Session::client_closed() {
  const bool stays = !program_.want_reply && !left_ && services_.unattended.has_room_for(client_.user);
  if (stays && local_ != nullptr && !had_pty_) {
    relay_.part();
    record_program();
    services_.unattended.keep(client_, ids_, std::move(local_));
  } else if (stays && lease_ != nullptr && !lends_agent_ && !lends_display_) {
    ProgramStart start{std::move(requests_), client_.grant.environment, running_, program_, eof_before_relaying_};
    services_.unattended.start(client_, ids_, std::move(start), lease_->access(), lease_->target());
  }
  leave();
}

void Session::leave() {
  if (std::exchange(left_, true)) return;
  drop_upstream();
  phase_ = Phase::ended;
  services_.journal.channel_closed(client_, ids_, downstream_.bytes_received(), downstream_.bytes_sent(),
                                   services_.clock.now() - since_);
}

void Session::end(std::string_view told) {
  if (phase_ == Phase::ended) return;
  drop_upstream();
  end_with(told);
}

void Session::end_with(std::string_view told) {
  phase_ = Phase::ended;
  answer_program(true);  // a refused request would leave the client nothing to show but its own guess
  std::string line = "sallyport: " + clean_for_terminal(told) + "\r\n";
  if (!had_pty_) std::erase(line, '\r');
  line.resize(std::min<std::size_t>(line.size(), downstream_.window()));
  downstream_.send_extended_data(wire::kExtendedDataStderr, bytes_of(line));
  if (!exit_passed_) downstream_.send_request("exit-status", false, wire::build_exit_status(kOurExitStatus));
  downstream_.send_eof();
  downstream_.send_close();
}

void Session::answer_program(bool success) {
  if (std::exchange(program_unanswered_, false)) downstream_.send_reply(success);
}

}  // namespace sallyport::mux

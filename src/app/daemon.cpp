#include "app/daemon.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/own_memory.hpp"
#include "config/load.hpp"
#include "entry/own_host_keys.hpp"
#include "route/explain.hpp"
#include "ssh/downstream/downstream_login.hpp"
#include "ssh/keys/algorithms.hpp"

namespace sallyport::app {
namespace {

constexpr std::size_t kMaxScans = 8;
constexpr std::size_t kShownOfWarning = 1024;
/// How long the goodbyes may take once everything is to end.
constexpr Duration kGoodbyeTime = std::chrono::seconds(2);
const std::vector<int> kSignals{SIGHUP, SIGTERM, SIGINT, SIGUSR1};

mux::HubSettings hub_settings(const Limits& limits) {
  return {.channels_per_connection = limits.max_channels_per_connection,
          .forwarded_per_connection = limits.max_forwarded_per_connection,
          .forwards_per_connection = limits.max_forwards_per_connection,
          .channel_window = limits.channel_window,
          .held = {},
          .trunks_per_user = limits.max_trunks_per_user,
          .waiting_channels = limits.max_waiting_channels,
          .logins_per_target = limits.max_logins_per_target};
}

ssh::ServerOptions server_options(const Config& config) {
  ssh::ServerOptions options;
  options.identification = config.server.identification;
  options.banner = config.server.banner;
  options.algorithms = config.algorithms;
  options.login_grace_time = config.limits.login_grace_time;
  options.max_auth_tries = config.limits.max_auth_tries;
  options.methods = config.auth.methods;
  return options;
}

/// A connection is a descriptor, a child three: the hard limit is ours to use. Returns the soft limit as it was.
rlim_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? before : 0;
}

}  // namespace

struct Daemon::Prepared {
  std::shared_ptr<const Config> config;
  std::shared_ptr<const ssh::HostKeys> host_keys;
  std::shared_ptr<const ssh::ServerContext> server;
  std::string pam_helper;
  std::vector<std::string> warnings;
};

namespace {

struct Server {
  std::shared_ptr<const ssh::HostKeys> keys;
  std::shared_ptr<const ssh::ServerContext> context;
};

Result<Server> make_server(const Config& config, ssh::HostKeys::Missing missing) {
  auto keys = ssh::HostKeys::load(config.server.host_keys, missing);
  if (!keys) return fail(std::move(keys.error()));
  Server server{std::make_shared<const ssh::HostKeys>(std::move(*keys)), nullptr};
  auto context = ssh::ServerContext::make(*server.keys, server_options(config));
  if (!context) return fail(std::move(context.error()));
  server.context = std::move(*context);
  return server;
}

/// What the build of libssh lacks, which [algorithms] is asked about when the server is made.
Result<> check_targets(const Config& config) {
  std::set<Algorithms> known{Algorithms{}};  // most targets have the same ones, or none of their own
  for (const auto& [name, target] : config.targets) {
    if (known.contains(target.algorithms)) continue;
    if (auto checked = ssh::check_algorithms(target.algorithms); !checked)
      return fail(Errc::config, "target." + name + ".algorithms: " + checked.error().detail);
    known.insert(target.algorithms);
  }
  return {};
}

/// Empty without PAM.
Result<std::string> find_pam(const Config& config) {
  if (config.auth.pam_service.empty()) return std::string();
  if (auto known = identity::check_pam_service(config.auth.pam_service); !known) return fail(std::move(known.error()));
  return identity::find_pam_helper();
}

std::vector<std::string> texts_of(const std::vector<config::Problem>& problems) {
  std::vector<std::string> texts;
  texts.reserve(problems.size());
  for (const config::Problem& problem : problems) texts.push_back(config::to_string(problem));
  return texts;
}

}  // namespace

Readiness Daemon::check(const Config& config) {
  Readiness found{obstacles_at_places(config), warnings_about(config)};
  if (const auto server = make_server(config, ssh::HostKeys::Missing::only_ask); !server)
    found.obstacles.push_back(server.error().detail);
  if (const auto known = check_targets(config); !known) found.obstacles.push_back(known.error().detail);
  if (const auto helper = find_pam(config); !helper) found.obstacles.push_back(helper.error().detail);
  return found;
}

Result<Daemon::Prepared> Daemon::prepare(std::shared_ptr<const Config> config, std::vector<std::string> warnings) {
  auto server = make_server(*config, ssh::HostKeys::Missing::make);
  if (!server) return fail(std::move(server.error()));
  if (auto known = check_targets(*config); !known) return fail(std::move(known.error()));
  auto helper = find_pam(*config);
  if (!helper) return fail(std::move(helper.error()));
  for (std::string& warning : warnings_about(*config)) warnings.push_back(std::move(warning));
  return Prepared{std::move(config), std::move(server->keys), std::move(server->context), std::move(*helper),
                  std::move(warnings)};
}

Result<Daemon::Prepared> Daemon::load_and_prepare(const std::string& file) {
  config::Loaded loaded = config::load(file);
  if (loaded.config != nullptr) return prepare(std::move(loaded.config), texts_of(loaded.warnings));
  std::string text;
  for (const auto& problem : loaded.problems) text += (text.empty() ? "" : "\n") + to_string(problem);
  return fail(Errc::config, std::move(text));
}

/// What can't change under connections that are using it.
Result<> same_for_life(const Config& old, const Config& wanted) {
  const char* what = nullptr;
  if (old.audit.file != wanted.audit.file) what = "audit.file";
  if (old.server.control_socket != wanted.server.control_socket) what = "server.control_socket";
  if (what == nullptr) return {};
  return fail(Errc::config, std::string(what) + " can't be changed by a reload: restart the daemon");
}

Daemon::Daemon(std::shared_ptr<const Config> config, std::unique_ptr<log::DaemonLog> log,
               std::unique_ptr<log::FileAuditTrail> audit)
    : config_(std::move(config)),
      loaded_(std::chrono::system_clock::now()),
      log_(std::move(log)),
      audit_file_(std::move(audit)),
      started_(clock_.now()),
      records_(*log_, this->audit(), clock_) {}

AuditTrail& Daemon::audit() { return audit_file_ ? static_cast<AuditTrail&>(*audit_file_) : no_audit_; }

Result<std::unique_ptr<Daemon>> Daemon::start(std::shared_ptr<const Config> config, std::vector<std::string> warnings) {
  ::signal(SIGPIPE, SIG_IGN);
  net::hold_back_signals(kSignals);
  const OwnMemory own = protect_own_memory();
  auto prepared = prepare(config, std::move(warnings));
  if (!prepared) return fail(std::move(prepared.error()));
  auto log = log::DaemonLog::open(config->log);
  if (!log) return fail(std::move(log.error()));
  std::unique_ptr<log::FileAuditTrail> audit;
  if (!config->audit.file.empty()) {
    auto opened = log::FileAuditTrail::open({.file = config->audit.file}, **log);
    if (!opened) return fail(std::move(opened.error()));
    audit = std::move(*opened);
  }
  std::unique_ptr<Daemon> daemon(new Daemon(config, std::move(*log), std::move(audit)));
  for (const std::string& warning : own.warnings) daemon->log_->warn("{}", log::plain(warning));
  if (auto opened = daemon->open(own.core); !opened) return fail(std::move(opened.error()));
  if (auto done = daemon->put_in_force(std::move(*prepared)); !done) return fail(std::move(done.error()));
  return daemon;
}

Result<> Daemon::open(const rlimit& core) {
  launcher_ =
      std::make_unique<child::LocalLauncher>(loop_, child::LocalLauncher::Options{.inherited = {raise_descriptor_limit(), core}});
  // Our own mistakes: what they happened to has ended with them, and somebody has to look.
  const auto report = [this](const Error& why) { log_->error("unexpected {}", why.detail); };
  loop_.on_exception(report);
  logins_ = std::make_unique<ssh::LoginThread>(report);
  exchanges_ = std::make_unique<ssh::ExchangeDesk>(loop_, logins_->io().loop());
  io_.use_exchange_desk(exchanges_.get());
  dialer_ = std::make_unique<dial::UpstreamDialer>(io_, logins_->io(), *launcher_, journal_, records_);
  hub_ = std::make_unique<mux::Hub>(clock_, journal_, *dialer_, *launcher_, streams_, hub_settings(config_->limits));
  identities_ = std::make_unique<identity::LocalIdentities>(loop_, clock_, *launcher_, records_);
  admitter_ = std::make_unique<entry::Admitter>(loop_, clock_, *hub_, journal_);
  gate_ = std::make_unique<entry::Gate>(loop_, clock_, *identities_, *admitter_, journal_, *log_);
  streams_.set_gate(*gate_);
  if (!config_->server.control_socket.empty()) {
    requests_ = std::make_unique<control::RequestHandler>(*hub_, static_cast<DaemonControl&>(*this), clock_, journal_);
    auto control = control::Server::open(loop_, clock_, config_->server.control_socket, *requests_, *log_);
    if (!control) return fail(std::move(control.error()));
    control_ = std::move(*control);
    streams_.set_own_sockets({config_->server.control_socket});
  }
  auto signals = net::SignalReader::open(loop_, kSignals, [this](int number) { on_signal(number); });
  if (!signals) return fail(std::move(signals.error()));
  signals_ = std::move(*signals);
  return {};
}

Result<> Daemon::put_in_force(Prepared prepared) {
  if (auto same = same_for_life(*config_, *prepared.config); !same) return same;
  if (auto applied = log_->apply(prepared.config->log); !applied) return applied;
  const auto serve = [this, server = prepared.server](net::Fd fd, UserauthEvents& events) {
    return std::make_unique<ssh::DownstreamLogin>(io_, logins_->io(), server, std::move(fd), events);
  };
  const entry::LoginContext context{prepared.config, serve, std::make_shared<entry::OwnHostKeys>(loop_, prepared.host_keys)};
  gate_->set_context(context);
  if (auto listening = gate_->listen(prepared.config->listens); !listening) {
    if (context_.config != nullptr) gate_->set_context(context_);  // the one before, which the start doesn't have
    return listening;
  }
  for (const ssh::HostKey& key : prepared.host_keys->keys())
    journal_.tell(facts::HostKeyReady{key.generated, key.type, key.fingerprint, key.file});
  for (const std::string& warning : prepared.warnings) log_->warn("{}", log::escaped(warning, kShownOfWarning));
  context_ = context;
  config_ = std::move(prepared.config);
  identities_->configure(config_->auth, prepared.pam_helper);
  admitter_->set_config(config_);
  loaded_ = std::chrono::system_clock::now();
  dialer_->set_identification(config_->server.identification);
  hub_->configure(hub_settings(config_->limits));
  return {};
}

Daemon::~Daemon() {
  control_.reset();
  scans_.clear();
  signals_.reset();
  reloading_.reset();
  deadline_.reset();
  loop_.free_all_retired();  // logins that ended last, which use the identities
  gate_.reset();
  admitter_.reset();
  identities_.reset();
  context_ = {};
  hub_.reset();
  dialer_.reset();
  loop_.free_all_retired();  // attempts, which use the login thread
  io_.use_exchange_desk(nullptr);
  exchanges_.reset();
  logins_.reset();
  launcher_.reset();
}

void Daemon::run() {
  journal_.tell(facts::DaemonStarted{SALLYPORT_VERSION, ::getpid(), config_->file});
  loop_.run();
  journal_.tell(facts::DaemonEnded{});
}

// --- signals and what they stand for -----------------------------------------------------------------------------

void Daemon::on_signal(int number) {
  if (number == SIGHUP) return on_hangup();
  number == SIGUSR1 ? on_reopen() : on_terminate();
}

void Daemon::on_hangup() {
  reload([](Result<>) {});
}

void Daemon::on_terminate() { draining_ ? end_now() : drain(); }

void Daemon::on_reopen() {
  log_->reopen();
  if (audit_file_) audit_file_->reopen();
  journal_.tell(facts::LogsReopened{});
}

void Daemon::reload(std::function<void(Result<>)> done) {
  // It would listen again.
  if (draining_ || ending_) return done(fail(Errc::unavailable, "the daemon is ending"));
  if (reloading_ != nullptr) return done(fail(Errc::unavailable, "a reload is under way"));
  struct Job {
    std::string file;
    Result<Prepared> prepared = fail(Errc::unavailable, "not read");
  };
  auto job = std::make_shared<Job>();
  job->file = config_->file;
  reloading_ = loop_.work([job] { job->prepared = load_and_prepare(job->file); },
                          [this, job, done = std::move(done)] {
                            reloading_.reset();
                            std::shared_ptr<const Config> loaded = job->prepared ? job->prepared->config : nullptr;
                            std::shared_ptr<const Config> old = config_;
                            Result<> result =
                                job->prepared ? put_in_force(std::move(*job->prepared)) : Result<>(fail(job->prepared.error()));
                            if (std::shared_ptr<const Config>& unneeded = result ? old : loaded; unneeded != nullptr)
                              replaced_.add(std::move(unneeded));
                            if (result) {
                              journal_.tell(facts::ConfigReloaded{job->file});
                              if (config_->server.on_reload == OnReload::recheck) admitter_->recheck();
                            } else {
                              journal_.tell(facts::ReloadFailed{result.error().detail});
                            }
                            done(std::move(result));
                          });
}

void Daemon::drain() {
  if (std::exchange(draining_, true)) return;
  journal_.tell(facts::DrainBegun{config_->server.drain_timeout});
  gate_->close("the bastion is draining");
  hub_->drain([this] { stop(); });
  if (!ending_) deadline_ = clock_.after(config_->server.drain_timeout, [this] { end_now(); });
}

void Daemon::end_now() {
  if (std::exchange(ending_, true)) return;
  journal_.tell(facts::EndBegun{hub_->connection_count()});
  hub_->end_all("the bastion is ending");
  deadline_ = clock_.after(kGoodbyeTime, [this] { stop(); });
}

void Daemon::stop() {
  ending_ = true;
  deadline_.reset();
  loop_.stop();
}

// --- control -----------------------------------------------------------------------------------------------------

DaemonStatus Daemon::status() const {
  DaemonStatus status;
  status.version = SALLYPORT_VERSION;
  status.pid = ::getpid();
  status.started = started_;
  status.config_file = config_->file;
  status.config_loaded = loaded_;
  status.listening = gate_->addresses();
  status.draining = draining_;
  status.connections_accepted = gate_->accepted();
  status.logins_failed = gate_->failed_logins();
  return status;
}

std::vector<std::string> Daemon::targets() const {
  std::vector<std::string> names;
  for (const auto& [name, target] : config_->targets) names.push_back(name);
  return names;
}

void Daemon::scan(const std::string& name, const std::string& user, std::function<void(Result<std::vector<ScannedKey>>)> done) {
  const auto target = config_->targets.find(name);
  if (target == config_->targets.end() || target->second.kind != TargetKind::ssh)
    return done(fail(Errc::not_found, "there is no target \"" + log::escape(name, 64) + "\" of kind ssh"));
  if (!target->second.via.empty())
    return done(fail(Errc::config, "target " + name + " is reached via " + target->second.via + ": run ssh-keyscan there"));
  if (scans_.size() >= kMaxScans) return done(fail(Errc::limit, "too many scans are under way"));
  auto resolved = resolve_target(*config_, target->second, {}, {user.empty() ? "nobody" : user, {}});
  if (!resolved) return done(fail(std::move(resolved.error())));
  const std::uint64_t id = ++last_scan_;
  scans_[id] = std::make_unique<dial::HostKeyScan>(*dialer_, loop_, std::move(*resolved),
                                                   [this, id, done = std::move(done)](Result<std::vector<ScannedKey>> keys) {
                                                     if (auto scan = scans_.extract(id)) loop_.retire(std::move(scan.mapped()));
                                                     done(std::move(keys));
                                                   });
}

Result<ExplainAnswer> Daemon::explain(std::string_view query) const {
  const auto parsed = route::parse_explain_query(query, *config_);
  if (!parsed) return fail(parsed.error());
  const route::Explanation explanation = route::explain(config_, *parsed);
  return ExplainAnswer{route::to_text(explanation), route::to_json(explanation).dump()};
}

std::vector<PenaltyRow> Daemon::penalties() const {
  std::vector<PenaltyRow> rows;
  for (const auto& entry : gate_->penalties())
    rows.push_back({entry.source, entry.left, entry.active, std::string(auth::to_string(entry.last)), entry.offences});
  return rows;
}

std::size_t Daemon::lift_penalties(std::string_view source) {
  return gate_->lift_penalties(source == "all" ? std::string() : std::string(source));
}

}  // namespace sallyport::app

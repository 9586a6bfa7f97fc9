// Builds the parts and joins them; reloads, drains and ends.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/config.hpp>
#include <sallyport/connections.hpp>

#include "app/readiness.hpp"
#include "app/replaced_configs.hpp"
#include "child/launch/launcher.hpp"
#include "control/request_handler.hpp"
#include "control/server.hpp"
#include "dial/host_key_scan.hpp"
#include "dial/stream_dialer.hpp"
#include "dial/upstream_dialer.hpp"
#include "entry/admitter.hpp"
#include "entry/gate.hpp"
#include "identity/local_identities.hpp"
#include "journal/fact_journal.hpp"
#include "journal/log_and_trail.hpp"
#include "log/daemon_log.hpp"
#include "log/file_audit_trail.hpp"
#include "log/records.hpp"
#include "mux/downstream/hub.hpp"
#include "net/loop/loop.hpp"
#include "net/loop/signal.hpp"
#include "net/loop/uv_clock.hpp"
#include "ssh/keys/host_keys.hpp"
#include "ssh/transport/exchange_desk.hpp"
#include "ssh/transport/login_thread.hpp"
#include "ssh/transport/loop_io.hpp"

namespace sallyport::app {

/// Has so many members because each is a part of the daemon, and has to outlive those behind it, which refer to it.
class Daemon final : private DaemonControl {
 public:
  /// Opens the log, the audit trail, the control socket and the listening sockets. `warnings` about the configuration go to the
  /// log. Errc::config or Errc::io.
  static Result<std::unique_ptr<Daemon>> start(std::shared_ptr<const Config> config, std::vector<std::string> warnings = {});
  /// What start() and a reload would refuse, and what they would warn of. Makes nothing. Blocks.
  static Readiness check(const Config& config);
  ~Daemon() override;

  /// Serves until a signal, or `drain` on the control socket, has ended it.
  void run();

 private:
  Daemon(std::shared_ptr<const Config> config, std::unique_ptr<log::DaemonLog> log, std::unique_ptr<log::FileAuditTrail> audit);
  AuditTrail& audit();

  /// What has to be read from files before a configuration can be put in force.
  struct Prepared;
  static Result<Prepared> prepare(std::shared_ptr<const Config> config, std::vector<std::string> warnings);
  static Result<Prepared> load_and_prepare(const std::string& file);

  /// `core` is the limit that programs get back.
  Result<> open(const rlimit& core);
  Result<> put_in_force(Prepared prepared);
  void on_signal(int number);
  void on_hangup();
  void on_terminate();
  void on_reopen();
  void end_now();
  void stop();

  // DaemonControl
  DaemonStatus status() const override;
  std::vector<std::string> targets() const override;
  void reload(std::function<void(Result<>)> done) override;
  void drain() override;
  Result<ExplainAnswer> explain(std::string_view query) const override;
  std::vector<PenaltyRow> penalties() const override;
  std::size_t lift_penalties(std::string_view source) override;
  void scan(const std::string& target, const std::string& user,
            std::function<void(Result<std::vector<ScannedKey>>)> done) override;

  std::shared_ptr<const Config> config_;
  entry::LoginContext context_;  // what the gate has
  std::chrono::system_clock::time_point loaded_;
  std::unique_ptr<log::DaemonLog> log_;
  std::unique_ptr<log::FileAuditTrail> audit_file_;  // null without [audit]
  NoAuditTrail no_audit_;
  net::Loop loop_;
  net::UvClock clock_{loop_};
  ssh::LoopIo io_{loop_, clock_};
  std::unique_ptr<ssh::LoginThread> logins_;
  std::unique_ptr<ssh::ExchangeDesk> exchanges_;  // in front of that thread, for those who are logged in
  TimePoint started_;
  log::Records records_;
  journal::LogAndTrail log_and_trail_{records_};
  journal::FactJournal journal_{{&log_and_trail_}};
  dial::StreamDialer streams_{loop_};
  std::unique_ptr<child::LocalLauncher> launcher_;
  std::unique_ptr<dial::UpstreamDialer> dialer_;
  std::unique_ptr<mux::Hub> hub_;
  std::unique_ptr<identity::LocalIdentities> identities_;
  std::unique_ptr<entry::Admitter> admitter_;
  std::unique_ptr<entry::Gate> gate_;
  std::map<std::uint64_t, std::unique_ptr<dial::HostKeyScan>> scans_;
  std::uint64_t last_scan_ = 0;
  std::unique_ptr<control::RequestHandler> requests_;
  std::unique_ptr<control::Server> control_;
  std::unique_ptr<net::SignalReader> signals_;
  std::unique_ptr<net::Work> reloading_;
  ReplacedConfigs replaced_{loop_};
  std::unique_ptr<Timer> deadline_;
  bool draining_ = false;
  bool ending_ = false;
};

}  // namespace sallyport::app

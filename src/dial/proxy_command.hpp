// A target's proxy command: the program behind the socket of an upstream connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <sallyport/told_once.hpp>

#include "child/launch/launcher.hpp"
#include "child/launch/socket_process.hpp"
#include "log/records.hpp"
#include "route/resolved_target.hpp"
#include "ssh/transport/carrier.hpp"

namespace sallyport::dial {

/// Runs the command from open() until it is destroyed. What the command writes on standard error goes to the log.
class ProxyCommand final : public ssh::Carrier, private child::SocketProcessEvents {
 public:
  /// Of one command's standard error; the rest is dropped, and counted.
  static constexpr std::uint32_t kMaxLoggedLines = 50;

  /// `launcher` and `records` outlive the command. It is run for the client `user`.
  ProxyCommand(child::LocalLauncher& launcher, log::Records& records, const ResolvedTarget& target, std::string user);
  ~ProxyCommand() override;

  void open(std::function<void(Result<net::Fd>)> done) override;
  std::string failure_told() const override { return "its proxy command failed"; }

 private:
  void on_started(net::Fd socket) override;
  void on_failed(const Error& why) override;
  void on_error_line(std::string_view line) override;
  void on_exit(const ProcessEnd& end) override;

  child::LocalLauncher& launcher_;
  log::Records& records_;
  const std::string target_;
  const std::string login_;  // login name upstream
  const std::string user_;   // the client's
  std::vector<std::string> argv_;
  OutcomeOnce<Result<net::Fd>> done_;
  std::unique_ptr<child::SocketProcess> process_;
  std::uint32_t lines_ = 0;
};

}  // namespace sallyport::dial

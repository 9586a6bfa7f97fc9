#include "app/proxy_command.hpp"

#include <utility>

#include "log/escape.hpp"

namespace sallyport::app {

ProxyCommand::ProxyCommand(child::LocalLauncher& launcher, log::Logger& logger, const ResolvedTarget& target)
    : launcher_(launcher), log_(logger), target_(target.name), user_(target.user), argv_(target.proxy_command) {}

ProxyCommand::~ProxyCommand() {
  if (lines_ > kMaxLoggedLines)
    log_.warn("proxy command target={} user={} lines_dropped={}", target_, user_, lines_ - kMaxLoggedLines);
}

void ProxyCommand::open(std::function<void(Result<net::Fd>)> done) {
  done_ = std::move(done);
  ProcessSpec spec;
  spec.argv = std::move(argv_);
  process_ = launcher_.launch_on_socket(std::move(spec), static_cast<child::SocketProcessEvents&>(*this));
}

void ProxyCommand::on_started(net::Fd socket) {
  log_.debug("proxy command target={} user={} started", target_, user_);
  const auto done = std::exchange(done_, nullptr);
  done(std::move(socket));
}

void ProxyCommand::on_failed(const Error& why) {
  const auto done = std::exchange(done_, nullptr);
  done(fail(why.code, "proxy command: " + why.detail));
}

void ProxyCommand::on_error_line(std::string_view line) {
  if (++lines_ > kMaxLoggedLines) return;
  log_.info("proxy command target={} user={} stderr=\"{}\"", target_, user_,
            log::escaped(line, child::SocketProcess::kMaxLine));
}

void ProxyCommand::on_exit(const ProcessEnd& end) {
  if (end.signal.empty()) {
    log_.info("proxy command target={} user={} ended status={}", target_, user_, end.status);
  } else {
    log_.info("proxy command target={} user={} ended signal={}", target_, user_, end.signal);
  }
}

}  // namespace sallyport::app

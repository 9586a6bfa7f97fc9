#include "dial/proxy_command.hpp"

#include <utility>

#include "log/escape.hpp"

namespace sallyport::dial {

ProxyCommand::ProxyCommand(child::LocalLauncher& launcher, log::Records& records, const ResolvedTarget& target, std::string user)
    : launcher_(launcher),
      records_(records),
      target_(target.name),
      login_(target.user),
      user_(std::move(user)),
      argv_(target.proxy_command) {}

ProxyCommand::~ProxyCommand() {
  if (lines_ > kMaxLoggedLines)
    records_.detail(user_).warn("proxy command target={} user={} lines_dropped={}", target_, log::plain(login_),
                                lines_ - kMaxLoggedLines);
}

void ProxyCommand::open(std::function<void(Result<net::Fd>)> done) {
  done_ = OutcomeOnce<Result<net::Fd>>(std::move(done));
  ProcessSpec spec;
  spec.argv = std::move(argv_);
  spec.client = user_;
  process_ = launcher_.launch_on_socket(std::move(spec), static_cast<child::SocketProcessEvents&>(*this));
}

void ProxyCommand::on_started(net::Fd socket) {
  records_.detail(user_).debug("proxy command target={} user={} started", target_, login_);
  done_(std::move(socket));
}

void ProxyCommand::on_failed(const Error& why) { done_(fail(why.code, "proxy command: " + why.detail)); }

void ProxyCommand::on_error_line(std::string_view line) {
  if (++lines_ > kMaxLoggedLines) return;
  records_.detail(user_).info("proxy command target={} user={} stderr=\"{}\"", target_, log::plain(login_),
                              log::escaped(line, child::SocketProcess::kMaxLine));
}

void ProxyCommand::on_exit(const ProcessEnd& end) {
  if (end.signal.empty()) {
    records_.detail(user_).info("proxy command target={} user={} ended status={}", target_, log::plain(login_), end.status);
  } else {
    records_.detail(user_).info("proxy command target={} user={} ended signal={}", target_, log::plain(login_), end.signal);
  }
}

}  // namespace sallyport::dial

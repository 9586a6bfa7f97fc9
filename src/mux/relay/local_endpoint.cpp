#include "mux/relay/local_endpoint.hpp"

#include <cassert>
#include <utility>
#include <variant>

#include "wire/messages.hpp"

namespace sallyport::mux {

LocalLogin local_login(const LocalSettings& local, const std::string& source) {
  return {.permit_accounts = local.permit_accounts,
          .groups = local.groups,
          .umask = local.umask,
          .limits = local.limits,
          .chroot = local.chroot,
          .no_new_privs = local.no_new_privs,
          .record_login = local.record_login,
          .source = source};
}

LocalEndpoint::LocalEndpoint(ProcessLauncher& launcher, ProcessSpec spec, bool want_reply, ChannelEvents& user, Outcome outcome,
                             std::shared_ptr<Account> account)
    : user_(&user), outcome_(std::move(outcome)), input_held_(std::move(account)), want_reply_(want_reply) {
  process_ = launcher.launch(std::move(spec), *this);
}

LocalEndpoint::~LocalEndpoint() = default;

void LocalEndpoint::attach(ChannelEvents& user) {
  user_ = &user;
  outcome_ = {[] {}, [](const Error&) {}};
}

void LocalEndpoint::send_data(ByteView bytes) {
  if (process_ == nullptr) return;
  const bool fits = input_window_.take(bytes.size());
  assert(fits);
  if (!fits) return send_close();
  input_held_.add(bytes.size());
  process_->write(bytes);
}

void LocalEndpoint::send_extended_data(std::uint32_t, ByteView bytes) {
  // Programs have one input, and RFC 4254 gives the client no code to use: it is dropped, as sshd does.
  (void)bytes;
}

void LocalEndpoint::send_eof() {
  if (process_ != nullptr) process_->end_input();
}

void LocalEndpoint::send_close() { process_.reset(); }

void LocalEndpoint::send_request(const wire::SessionRequest& request, bool want_reply) {
  if (process_ == nullptr) return;
  const bool success = carry_out(request);
  if (!want_reply) return;
  started_ ? user_->on_reply(success) : early_replies_.push_back(success);
}

bool LocalEndpoint::carry_out(const wire::SessionRequest& request) {
  if (const auto* const dimensions = std::get_if<WindowDimensions>(&request)) {
    process_->resize(*dimensions);
    return true;
  }
  if (const auto* const signal = std::get_if<wire::Signal>(&request)) return process_->signal(signal->name);
  if (std::holds_alternative<wire::EndOfWrite>(request)) {
    process_->end_output();
    return true;
  }
  const auto* const pause = std::get_if<wire::Break>(&request);
  return pause != nullptr && process_->send_break(pause->milliseconds);
}

void LocalEndpoint::grant(std::uint32_t bytes) {
  if (process_ == nullptr) return;
  const bool fits = output_granted_.add(bytes);
  assert(fits);
  if (!fits) return;
  process_->grant(bytes);
}

void LocalEndpoint::on_started() {
  started_ = true;
  outcome_.started();
  if (want_reply_) user_->on_reply(true);
  for (const bool success : std::exchange(early_replies_, {})) user_->on_reply(success);
}

void LocalEndpoint::on_failed(const Error& why) {
  outcome_.failed(why);
  if (why.code == Errc::denied) return user_->on_lost(Told("the account may not be used"));
  user_->on_lost(
      Told(why.code == Errc::unavailable ? "logins are not possible at the moment" : "the program could not be started"));
}

void LocalEndpoint::on_output(OutputStream stream, ByteView bytes) {
  const bool fits = output_granted_.take(bytes.size());
  assert(fits);
  if (!fits) return;
  if (stream == OutputStream::standard) return user_->on_data(bytes);
  user_->on_extended_data(wire::kExtendedDataStderr, bytes);
}

void LocalEndpoint::on_output_end() {
  output_ended_ = true;
  user_->on_eof();
  close_when_over();
}

void LocalEndpoint::on_input_closed() { user_->on_request(wire::EndOfWrite{}, false); }

void LocalEndpoint::on_input_taken(std::size_t count) {
  input_held_.subtract(count);
  const bool fits = input_window_.add(static_cast<std::uint32_t>(count));
  assert(fits);
  if (!fits) return;
  user_->on_window();
}

void LocalEndpoint::on_exit(const ProcessEnd& end) {
  exited_ = true;
  if (end.signal.empty()) {
    user_->on_request(wire::ExitStatus{end.status}, false);
  } else {
    user_->on_request(wire::ExitSignal{end.signal, end.core_dumped, {}, {}}, false);
  }
  close_when_over();
}

void LocalEndpoint::close_when_over() {
  if (exited_ && output_ended_) user_->on_close();
}

}  // namespace sallyport::mux

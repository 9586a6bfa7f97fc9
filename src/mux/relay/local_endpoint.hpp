// A channel end that is a program on the bastion.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/account.hpp>
#include <sallyport/config.hpp>
#include <sallyport/process.hpp>

#include "mux/flow/flow_credit.hpp"
#include "mux/flow/window.hpp"
#include "mux/protocol/channel_end.hpp"

namespace sallyport::mux {

/// What a target of kind "local" asks of the account, and gives it, for a client from `source`.
LocalLogin local_login(const LocalSettings& local, const std::string& source);

/// Starts the program at once. Reports as a target would: the answer to the request that started it, output as
/// data and extended data, exit-status or exit-signal, EOF, and on_close when it has ended and its output too.
/// Destroying it, or closing it, hangs the program up.
class LocalEndpoint final : public ChannelEnd, private ProcessEvents {
 public:
  /// How much input waits here for the program, at the most.
  static constexpr std::uint32_t kInputWindow = 256 * 1024;
  /// How much output it may have under way, at the most.
  static constexpr std::uint32_t kOutputCredit = 256 * 1024;

  /// What came of it, for the log, in front of what `user` is told: one of the two is called, unless it is destroyed before.
  struct Outcome {
    std::function<void()> started;
    std::function<void(const Error&)> failed;
  };

  /// `want_reply`: on_reply tells when the program runs.
  /// What waits for the program is charged to `account`.
  LocalEndpoint(ProcessLauncher& launcher, ProcessSpec spec, bool want_reply, ChannelEvents& user, Outcome outcome,
                std::shared_ptr<Account> account);
  ~LocalEndpoint() override;
  /// Who gets the events from now on; what came of the start is told to nobody any more. Not inside one of them.
  void attach(ChannelEvents& user);

  // ChannelEnd
  void send_data(ByteView bytes) override;
  void send_extended_data(std::uint32_t code, ByteView bytes) override;
  void send_eof() override;
  void send_close() override;
  void send_request(const wire::SessionRequest& request, bool want_reply) override;
  void abandon() override { send_close(); }
  bool takes_requests() const override { return true; }  // they are carried out at once
  void send_reply(bool) override {}                      // a program asks nothing
  Flow flow() const override {
    return {.window = input_window_.bytes(), .granted = output_granted_.bytes(), .credit = kOutputCredit};
  }
  FlowCredit::Line line() const override { return {.floor_in_company = FlowCredit::kFloorInFastCompany}; }
  std::uint32_t room_within(const RoomLimits& limits) override {
    const std::uint32_t waiting = kInputWindow - input_window_.bytes();
    return limits.unread - std::min(limits.unread, waiting);
  }
  void call_when_there_is_room() override {}  // whatever the program takes is told
  void call_when_uncongested() override {}    // it never is
  void grant(std::uint32_t bytes) override;

 private:
  void on_started() override;
  void on_failed(const Error& why) override;
  void on_output(OutputStream stream, ByteView bytes) override;
  void on_output_end() override;
  void on_input_closed() override;
  void on_input_taken(std::size_t count) override;
  void on_exit(const ProcessEnd& end) override;

  /// True when the request was one for a program.
  bool carry_out(const wire::SessionRequest& request);
  void close_when_over();

  ChannelEvents* user_;
  Outcome outcome_;
  std::unique_ptr<Process> process_;
  Charge input_held_;
  Window input_window_{kInputWindow};
  Window output_granted_;
  bool want_reply_;
  bool started_ = false;
  std::vector<bool> early_replies_;  // to requests that came before the program ran: its own answer is the first
  bool exited_ = false;
  bool output_ended_ = false;
};

}  // namespace sallyport::mux

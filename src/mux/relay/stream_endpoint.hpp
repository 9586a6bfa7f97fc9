// A channel end that is a socket of the bastion's own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include <sallyport/account.hpp>
#include <sallyport/stream.hpp>

#include "mux/flow/flow_credit.hpp"
#include "mux/flow/window.hpp"
#include "mux/protocol/channel_end.hpp"

namespace sallyport::mux {

/// Receives the outcome of connecting: exactly one of the two.
class StreamOpenEvents {
 public:
  virtual ~StreamOpenEvents() = default;
  virtual void on_stream_open() = 0;
  virtual void on_stream_failed(const Error& why) = 0;
};

/// Reports as a target would: data, EOF, and on_close when both directions have ended; on_lost when the connection was
/// reset. Destroying it closes the socket, behind what has been sent.
class StreamEndpoint final : public ChannelEnd, private StreamEvents {
 public:
  /// How much may wait here for the socket's peer, at the most. What the client may send ahead is bounded by its own
  /// connection's credit as well.
  static constexpr std::uint32_t kOutputWindow = 2 * 1024 * 1024;

  /// Above this backlog nothing more is taken from the client; as much as makes a transport congested.
  static constexpr std::uint32_t kCongested = 64 * 1024;

  using MakeStream = std::function<std::unique_ptr<Stream>(StreamEvents&)>;
  /// Calls `make` at once. `user` and `opened` outlive the endpoint, or it is abandoned first. What waits for the
  /// socket's peer is charged to `account`.
  StreamEndpoint(const MakeStream& make, ChannelEvents& user, StreamOpenEvents& opened, std::shared_ptr<Account> account);
  ~StreamEndpoint() override;

  // ChannelEnd
  void send_data(ByteView bytes) override;
  void send_extended_data(std::uint32_t code, ByteView bytes) override;
  void send_eof() override;
  void send_close() override { abandon(); }
  void send_request(const wire::SessionRequest& request, bool want_reply) override;
  void abandon() override {
    stream_.reset();
    queued_.set(0);
  }
  void break_off() override;
  bool takes_requests() const override { return true; }
  void send_reply(bool) override {}
  Flow flow() const override;
  FlowCredit::Line line() const override { return {.floor_in_company = FlowCredit::kFloorInFastCompany}; }
  std::uint32_t room_within(const RoomLimits& limits) override {
    return limits.on_the_way - std::min(limits.on_the_way, queued());
  }
  void call_when_there_is_room() override {}  // whatever the kernel takes is told
  void call_when_uncongested() override {}    // the same
  void grant(std::uint32_t bytes) override;

 private:
  std::uint32_t queued() const;
  void on_connected() override { opened_.on_stream_open(); }
  void on_failed(const Error& why) override { opened_.on_stream_failed(why); }
  void on_received(ByteView bytes) override;
  void on_input_end() override;
  void on_sent() override {
    queued_.set(stream_->queued());
    user_.on_window();
  }
  void on_output_end() override;
  void on_broken(const Error& why) override;

  ChannelEvents& user_;
  StreamOpenEvents& opened_;
  std::unique_ptr<Stream> stream_;  // null: closed
  Charge queued_;
  Window granted_;
  bool input_ended_ = false;
  bool output_ended_ = false;
};

}  // namespace sallyport::mux

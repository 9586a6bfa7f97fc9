// A transport whose other end is the test.
#pragma once

#include <cassert>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/transport.hpp>

namespace sallyport::fakes {

/// The peer behind a transport: gets what is sent, sends, and can hold the connection shut. Outlives the transport.
class MemoryPeer {
 public:
  MemoryPeer() = default;
  MemoryPeer(const MemoryPeer&) = delete;
  MemoryPeer& operator=(const MemoryPeer&) = delete;

  /// The daemon's end; may be asked for once.
  std::unique_ptr<Transport> transport() { return std::make_unique<End>(*this); }
  bool transport_alive() const { return alive_; }

  /// Sends a message to the daemon; one that comes while reading is paused waits. Dropped after the end.
  void deliver(Bytes message) {
    inbox_.push_back(std::move(message));
    read();
  }
  /// Sends one that isn't of types 80 to 100.
  void deliver_other(std::uint8_t type) {
    if (events_ != nullptr && !closed_) events_->on_other_message(type);
  }
  /// The kernel takes nothing more.
  void hold_shut() { shut_ = true; }
  /// The kernel takes `bytes` more (whole messages, one at the least) and is then shut again.
  void let_out(std::size_t bytes) {
    std::size_t taken = 0;
    while (!unsent_.empty() && (taken == 0 || taken + unsent_.front().size() <= bytes)) {
      taken += unsent_.front().size();
      backlog_ -= unsent_.front().size();
      received_.push_back(std::move(unsent_.front()));
      unsent_.pop_front();
    }
    tell_drained();
  }
  /// The kernel takes all there is and all that comes.
  void open() {
    shut_ = false;
    while (!unsent_.empty()) let_out(backlog_);
    tell_drained();
  }
  /// The connection is gone.
  void close(Errc code = Errc::closed, std::string detail = "closed by peer") {
    if (events_ == nullptr || closed_) return;
    closed_ = true;
    events_->on_closed(Error{code, std::move(detail)});
  }
  /// Carries out what the daemon's disconnect() began.
  void finish_disconnect() {
    if (disconnected_) close();
  }

  /// What has arrived here since the last take().
  std::vector<Bytes> take() { return std::exchange(received_, {}); }
  /// Answers that message, if it is the first of those, which are then without it.
  void answer_first(const Bytes& question, Bytes answer) {
    if (received_.empty() || received_.front() != question) return;
    received_.erase(received_.begin());
    deliver(std::move(answer));
  }
  std::size_t backlog() const { return backlog_; }
  bool paused() const { return paused_; }
  bool closed() const { return closed_; }
  /// The text of the daemon's DISCONNECT, once it has been sent.
  const std::optional<std::string>& disconnected() const { return disconnected_; }
  std::optional<DisconnectReason> disconnect_reason() const { return reason_; }

  /// What the transport says of it.
  std::chrono::microseconds round_trip{0};
  /// How often it has been asked for acknowledged().
  std::uint64_t asked_what_arrived = 0;

 private:
  class End final : public Transport {
   public:
    explicit End(MemoryPeer& peer) : peer_(peer) { peer_.alive_ = true; }
    ~End() override {
      peer_.alive_ = false;
      peer_.events_ = nullptr;
    }
    void attach(TransportEvents* user) override { peer_.events_ = user; }
    void send(ByteView head, ByteView tail) override {
      if (peer_.closed_ || peer_.disconnected_) return;
      Bytes message(head.begin(), head.end());
      message.insert(message.end(), tail.begin(), tail.end());
      peer_.accept(std::move(message));
    }
    std::size_t backlog() const override { return peer_.backlog_; }
    std::uint64_t sent() const override { return peer_.sent_; }
    std::uint64_t acknowledged() override {
      ++peer_.asked_what_arrived;
      return peer_.sent_ - peer_.backlog_;
    }
    std::chrono::microseconds round_trip() override { return peer_.round_trip; }
    void pause() override { peer_.paused_ = true; }
    void resume() override { peer_.paused_ = false; }  // what waits comes with the next delivery
    void disconnect(DisconnectReason reason, std::string_view text) override {
      if (peer_.disconnected_) return;
      peer_.disconnected_ = std::string(text);
      peer_.reason_ = reason;
    }

   private:
    MemoryPeer& peer_;
  };

  void accept(Bytes message) {
    sent_ += message.size();
    if (!shut_) {
      received_.push_back(std::move(message));
      return;
    }
    backlog_ += message.size();
    unsent_.push_back(std::move(message));
    if (backlog_ > Transport::kHighMark) was_congested_ = true;
  }
  void tell_drained() {
    if (!was_congested_ || backlog_ > Transport::kLowMark || events_ == nullptr || closed_) return;
    was_congested_ = false;
    events_->on_drained();
    read();
  }
  void read() {
    while (!inbox_.empty() && !paused_ && !closed_ && events_ != nullptr) {
      const Bytes message = std::move(inbox_.front());
      inbox_.pop_front();
      events_->on_message(message);
    }
    if (closed_) inbox_.clear();
  }

  TransportEvents* events_ = nullptr;
  std::deque<Bytes> inbox_;
  std::deque<Bytes> unsent_;
  std::vector<Bytes> received_;
  std::size_t backlog_ = 0;
  std::uint64_t sent_ = 0;
  bool shut_ = false;
  bool was_congested_ = false;
  bool paused_ = false;
  bool closed_ = false;
  bool alive_ = false;
  std::optional<std::string> disconnected_;
  std::optional<DisconnectReason> reason_;
};

}  // namespace sallyport::fakes

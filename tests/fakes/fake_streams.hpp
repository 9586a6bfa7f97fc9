// Sockets that the test plays.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sallyport/stream.hpp>

namespace sallyport::fakes {

class FakeStreams final : public StreamConnector {
 public:
  /// One stream: where it was to lead, what was written, and the way to report as its peer.
  struct Socket {
    StreamAddress address;
    Duration limit{};
    std::optional<InnerClient> inner;  ///< set when it leads to Sallyport itself
    StreamEvents* events = nullptr;    ///< null once the Stream was destroyed
    std::size_t granted = 0;
    std::string written;     ///< everything
    std::size_t queued = 0;  ///< of it, what the kernel has not taken
    bool takes_all = true;   ///< the kernel takes what is written at once
    bool output_ended = false;
    bool input_unwanted = false;
    bool was_reset = false;
    bool closed() const { return events == nullptr; }

    void receive(std::string_view text) {
      granted -= text.size();
      events->on_received(bytes_of(text));
    }
    void send_all() {
      queued = 0;
      events->on_sent();
    }
  };

  [[nodiscard]] std::unique_ptr<Stream> connect(const StreamAddress& address, Duration limit, StreamEvents& events) override {
    Socket& socket = sockets.emplace_back();
    socket.address = address;
    socket.limit = limit;
    socket.events = &events;
    return std::make_unique<FakeStream>(socket);
  }

  [[nodiscard]] std::unique_ptr<Stream> enter(const InnerClient& client, StreamEvents& events) override {
    Socket& socket = sockets.emplace_back();
    socket.inner = client;
    socket.events = &events;
    return std::make_unique<FakeStream>(socket);
  }

  std::deque<Socket> sockets;

 private:
  class FakeStream final : public Stream {
   public:
    explicit FakeStream(Socket& socket) : socket_(socket) {}
    ~FakeStream() override { socket_.events = nullptr; }
    void grant(std::size_t bytes) override { socket_.granted += bytes; }
    void write(ByteView bytes) override {
      socket_.written += text_of(bytes);
      if (!socket_.takes_all) socket_.queued += bytes.size();
    }
    std::size_t queued() const override { return socket_.queued; }
    void end_output() override { socket_.output_ended = true; }
    void end_input() override { socket_.input_unwanted = true; }
    void reset() override { socket_.was_reset = true; }

   private:
    Socket& socket_;
  };
};

}  // namespace sallyport::fakes

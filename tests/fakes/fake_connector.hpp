// Upstream connections whose outcome the test decides.
#pragma once

#include <cassert>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include <sallyport/upstream.hpp>

#include "fakes/fake_streams.hpp"
#include "fakes/memory_transport.hpp"
#include "route/resolved_target.hpp"

namespace sallyport::fakes {

class FakeConnector final : public UpstreamConnector {
 public:
  /// One call of connect(), and the server behind it once it has succeeded.
  struct Dial {
    ResolvedTarget target;
    UpstreamEvents* events = nullptr;  ///< null once there was an outcome, or nobody waits for one any more
    MemoryPeer server;
    bool given_up = false;
  };

  [[nodiscard]] std::unique_ptr<UpstreamAttempt> connect(const ResolvedTarget& target,
                                                         UpstreamEvents& events) override {
    Dial& dial = dials.emplace_back();
    dial.target = target;
    dial.events = &events;
    return std::make_unique<Attempt>(dial);
  }

  /// Sockets of carried attempts are in `carriers`, in the order of the calls.
  [[nodiscard]] CarriedAttempt connect_over(const ResolvedTarget& target, UpstreamEvents& events,
                                            StreamEvents& carrier_events) override {
    auto attempt = connect(target, events);
    return {std::move(attempt), carriers.connect({}, target.options.connect_timeout, carrier_events)};
  }

  /// The attempt of that number succeeds; the server's end.
  MemoryPeer& succeed(std::size_t index) {
    Dial& dial = dials.at(index);
    assert(dial.events != nullptr);
    std::exchange(dial.events, nullptr)->on_connected(dial.server.transport());
    return dial.server;
  }
  void fail(std::size_t index, std::string told, Errc code = Errc::refused) {
    Dial& dial = dials.at(index);
    assert(dial.events != nullptr);
    std::exchange(dial.events, nullptr)->on_connect_failed({code, std::move(told), "detail"});
  }

  FakeStreams carriers;
  std::deque<Dial> dials;  // a deque: servers stay where they are

 private:
  struct Attempt final : UpstreamAttempt {
    explicit Attempt(Dial& its_dial) : dial(its_dial) {}
    ~Attempt() override {
      if (dial.events != nullptr) dial.given_up = true;
      dial.events = nullptr;
    }
    Dial& dial;
  };
};

}  // namespace sallyport::fakes

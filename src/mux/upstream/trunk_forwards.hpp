// What a target listens on for the clients of one trunk, and which of them gets what comes in there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mux/protocol/global_requests.hpp"
#include "route/forwarding.hpp"

namespace sallyport::wire {
struct ChannelOpen;
}

namespace sallyport::mux {

class Trunk;

/// Who has asked a target to listen.
class ListenerEvents {
 public:
  virtual ~ListenerEvents() = default;
  /// The target listens; `port` is the one that it chose where it was asked to.
  virtual void on_listening(std::uint32_t port) = 0;
  /// It doesn't, and the listener is gone. `why` is for the log.
  virtual void on_not_listening(std::string_view why) = 0;
  /// Somebody has connected there: the target asks for this channel, which has been checked and waits for its answer by
  /// Trunk::accept() or Trunk::refuse().
  virtual void on_connection(const wire::ChannelOpen& open, std::string_view originator) = 0;
  /// The target has given the socket's path to somebody who asked for it later. The listener is gone.
  virtual void on_taken_over() = 0;
};

/// The registry of one trunk. Requests go to the target in the order of the calls, and it answers in that order, so
/// what was cancelled may be asked for again at once.
class TrunkForwards {
 public:
  class Listener;

  explicit TrunkForwards(Trunk& trunk);
  ~TrunkForwards();
  TrunkForwards(const TrunkForwards&) = delete;
  TrunkForwards& operator=(const TrunkForwards&) = delete;

  /// Asks the target to listen for `user`, which outlives the listener. Null when it does so for somebody already: a port
  /// can't be had twice. Whether a socket can is for the target to say (StreamLocalBindUnlink): if so it is the newest asker's.
  Listener* listen(const route::Destination& address, ListenerEvents& user);
  /// Nobody wants it any more: the target is told so, and the listener is gone. One whose port is not known yet is
  /// cancelled as soon as it is.
  void drop(Listener& listener);
  /// The same, and the target's answer goes to `asker`. What it still owes to listen() is reported first: until then the listener
  /// stays, and is returned; its user leaves it before it goes.
  Listener* cancel(Listener& listener, GlobalAnswerEvents& asker);
  /// The user of a listener that has been cancelled hears no more of it.
  void leave(Listener& listener);
  /// Whose connections come in there; null when it is nobody's.
  ListenerEvents* find(const route::Destination& address) const;

 private:
  void forget(Listener& listener);
  /// Whoever had the socket that `newest` has now is told.
  void take_over(const Listener& newest);

  Trunk& trunk_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace sallyport::mux

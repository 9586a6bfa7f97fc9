#include "mux/upstream/trunk_forwards.hpp"

#include <algorithm>
#include <utility>

#include "mux/upstream/trunk.hpp"
#include "wire/forwards.hpp"

namespace sallyport::mux {
namespace {

constexpr std::uint32_t kLastPort = 65535;

Bytes fields_of(const route::Destination& address) {
  return address.is_socket ? wire::build_streamlocal_forward(address.path)
                           : wire::build_tcpip_forward(address.host, address.port);
}

std::string_view request_of(const route::Destination& address) {
  return address.is_socket ? wire::kStreamlocalForward : wire::kTcpipForward;
}

std::string_view cancel_of(const route::Destination& address) {
  return address.is_socket ? wire::kCancelStreamlocalForward : wire::kCancelTcpipForward;
}

/// The target is to choose the port.
bool is_open_choice(const route::Destination& address) { return !address.is_socket && address.port == 0; }

}  // namespace

class TrunkForwards::Listener final : public GlobalAnswerEvents {
 public:
  Listener(TrunkForwards& owner, const route::Destination& listens_at, ListenerEvents& its_user)
      : address(listens_at), user(&its_user), owner_(owner) {}
  ~Listener() override { owner_.trunk_.forget(*this); }

  void on_global_answer(bool success, ByteView rest) override {
    if (!success) return fail("the target refused it");
    if (is_open_choice(address)) {
      const auto port = wire::parse_chosen_port(rest);
      if (!port || *port == 0 || *port > kLastPort) return fail("the target didn't say which port it chose");
      address.port = *port;
    }
    listens = true;
    if (user == nullptr) return cancelled ? owner_.forget(*this) : owner_.drop(*this);
    owner_.take_over(*this);
    ListenerEvents* const asker = user;
    const std::uint32_t port = address.port;
    if (cancelled) owner_.forget(*this);
    asker->on_listening(port);
  }
  void on_global_timeout() override {
    ListenerEvents* asker = user;
    cancelled ? owner_.forget(*this) : owner_.drop(*this);
    if (asker != nullptr) asker->on_not_listening("the target doesn't answer");
  }
  void on_global_lost() override { fail("the connection to the target was lost"); }

  route::Destination address;
  ListenerEvents* user;  // null: nobody any more
  bool listens = false;
  bool cancelled = false;  // its answer is still to come

 private:
  void fail(std::string_view why) {
    ListenerEvents* asker = user;
    owner_.forget(*this);
    if (asker != nullptr) asker->on_not_listening(why);
  }

  TrunkForwards& owner_;
};

TrunkForwards::TrunkForwards(Trunk& trunk) : trunk_(trunk) {}
TrunkForwards::~TrunkForwards() = default;

TrunkForwards::Listener* TrunkForwards::listen(const route::Destination& address, ListenerEvents& user) {
  const auto same = [&address](const auto& listener) { return !listener->cancelled && listener->address == address; };
  if (!address.is_socket && !is_open_choice(address) && std::any_of(listeners_.begin(), listeners_.end(), same)) return nullptr;
  listeners_.push_back(std::make_unique<Listener>(*this, address, user));
  Listener& listener = *listeners_.back();
  trunk_.ask(request_of(address), fields_of(address), listener);
  return &listener;
}

void TrunkForwards::drop(Listener& listener) {
  listener.user = nullptr;
  if (is_open_choice(listener.address)) return;  // not before its port is known
  trunk_.tell(cancel_of(listener.address), fields_of(listener.address));
  forget(listener);
}

TrunkForwards::Listener* TrunkForwards::cancel(Listener& listener, GlobalAnswerEvents& asker) {
  trunk_.ask(cancel_of(listener.address), fields_of(listener.address), asker);
  listener.cancelled = true;
  if (!listener.listens) return &listener;
  forget(listener);
  return nullptr;
}

void TrunkForwards::leave(Listener& listener) { listener.user = nullptr; }

void TrunkForwards::take_over(const Listener& newest) {
  if (!newest.address.is_socket) return;
  const auto older = std::find_if(listeners_.begin(), listeners_.end(), [&newest](const auto& one) {
    return one.get() != &newest && one->listens && one->address == newest.address;
  });
  if (older == listeners_.end()) return;
  ListenerEvents* const loser = (*older)->user;
  forget(**older);
  if (loser != nullptr) loser->on_taken_over();
}

ListenerEvents* TrunkForwards::find(const route::Destination& address) const {
  for (const auto& listener : listeners_)
    if (listener->address == address && listener->listens) return listener->user;
  return nullptr;
}

void TrunkForwards::forget(Listener& listener) {
  std::erase_if(listeners_, [&listener](const auto& one) { return one.get() == &listener; });
}

}  // namespace sallyport::mux

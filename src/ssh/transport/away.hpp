// What two threads have in common over an object that lives on one of them and is for the other.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <sallyport/result.hpp>
#include <sallyport/task.hpp>
#include <sallyport/told_once.hpp>
#include <sallyport/transport.hpp>

#include "net/loop/guard.hpp"
#include "ssh/transport/loop_io.hpp"
#include "ssh/transport/numbering.hpp"
#include "ssh/transport/ssh_transport.hpp"

namespace sallyport::ssh {

/// A login that is worked at away: `Object` is on the loop of `away`, and whom it is for on that of `home`, who is told its
/// `Events`. A call from one to the other is posted, and comes to nothing where the object has gone or the end has been told.
/// This lives as long as a call is on its way. What throws in one ends the login. Both may be one loop.
template <typename Object, typename Events>
class Away : public std::enable_shared_from_this<Away<Object, Events>> {
 public:
  virtual ~Away() = default;
  Away(const Away&) = delete;
  Away& operator=(const Away&) = delete;

  // At home

  /// Calls that function of the object's.
  template <typename... Params, typename... Args>
  void call(void (Object::*function)(Params...), Args&&... arguments) {
    post(away_, [this, later = call_later(function, std::forward<Args>(arguments)...)]() mutable {
      if (object_ != nullptr) later(*object_);
    });
  }
  /// The same as the answer to that one of `asked` which was heard last: it is dropped when that has been answered, or when
  /// another one has been asked meanwhile.
  template <typename... Params, typename... Args>
  void answer(Numbering& asked, void (Object::*function)(Params...), Args&&... arguments) {
    post(away_,
         [this, &asked, number = asked.answer(), later = call_later(function, std::forward<Args>(arguments)...)]() mutable {
           if (object_ != nullptr && asked.is_answered_by(number)) later(*object_);
         });
  }
  /// Nobody here wants to know any more: the object goes, soon.
  void leave() {
    if (events_.is_over()) return;  // nothing is left there
    events_.drop();
    post(away_, [this] { object_.reset(); });
  }

 protected:
  Away(LoopIo& home, LoopIo& away, Events& events) : home_(home), away_(away), events_(events) {}

  /// Runs `act` on the thread of `to`. This is there until then.
  template <typename Act>
  void post(LoopIo& to, Act act) {
    to.loop().post([self = this->shared_from_this(), &to, act = std::move(act)]() mutable {
      const auto why = net::guarded(to.loop().uv(), act);
      if (why) self->away_.loop().post([self, why = *why] { self->fail(why); });
    });
  }
  /// At home: `make` makes the object, away.
  template <typename Make>
  void begin(Make make) {
    post(away_, [this, make = std::move(make)]() mutable { object_ = make(); });
  }
  /// At home: the function as the object may call it. It is called here, until the end has been told. Empty if it is.
  template <typename Param>
  std::function<void(Param)> at_home(std::function<void(Param)> function) {
    if (!function) return {};
    // Weakly: this has the object, which has the function.
    return [weak = this->weak_from_this(), function = std::move(function)](Param value) {
      const auto self = weak.lock();
      if (self == nullptr) return;
      self->post(self->home_, [owner = self.get(), function, kept = keep<Param>(value)] {
        if (!owner->events_.is_over()) function(kept);
      });
    };
  }
  /// Away: the object is done, or has failed, and may be on the stack. It goes before its end is told: there is nothing left that
  /// could tell another one.
  void end() { away_.loop().retire(std::move(object_)); }
  /// Away, from the object: its connection moves home, where `arrive` gets it, if somebody still wants it.
  template <typename Arrive>
  void bring_home(std::unique_ptr<Transport> transport, Arrive arrive) {
    auto parts = static_cast<SshTransport&>(*transport).take_apart();
    away_.loop().retire(std::move(transport));
    end();
    post(home_, [this, parts = std::move(parts), arrive = std::move(arrive)]() mutable {
      if (events_.is_over()) return;
      arrive(parts ? SshTransport::adopt(home_, std::move(*parts)) : sallyport::fail(parts.error()));
    });
  }
  /// Away: what was thrown. Ends it, and has home told.
  virtual void fail(const Error& why) = 0;

  LoopIo& home_;
  LoopIo& away_;
  ToldOnce<Events> events_;         // home's
  std::unique_ptr<Object> object_;  // away's
};

}  // namespace sallyport::ssh

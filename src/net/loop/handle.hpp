// The memory of one libuv handle, apart from the object that uses it.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>

#include <sallyport/result.hpp>

#include "net/loop/error.hpp"
#include "net/loop/guard.hpp"

namespace sallyport::net {

/// Owns one libuv handle for `Owner`, which must not move. Closing cuts the link to the owner first; the memory goes
/// in libuv's close callback, so the owner may die at any time, also inside a callback of this very handle.
template <typename Uv, typename Owner>
class Handle {
 public:
  /// Runs a uv_*_init function. When it fails, nothing has to be closed.
  template <typename Init, typename... Args>
  Result<> open(Owner& owner, Init init, uv_loop_t* loop, Args... args) {
    auto cell = std::make_unique<Cell>();
    if (int rc = init(loop, &cell->uv, args...); rc != 0) return fail(from_uv(rc, "open handle"));
    cell->owner = &owner;
    cell->uv.data = cell.get();
    cell_.reset(cell.release());
    return {};
  }
  explicit operator bool() const { return cell_ != nullptr; }
  Uv* get() const { return &cell_->uv; }
  void close() { cell_.reset(); }
  /// The owner behind `uv->data`; null when it has gone or has closed the handle.
  static Owner* owner_of(void* data) { return static_cast<Cell*>(data)->owner; }
  /// What each callback of the handle does: `act` with the owner, if there is one. If that throws, the owner is ended by
  /// `broken`, a function of an Owner& and the Error, unless it has gone meanwhile.
  template <typename Act, typename Broken>
  static void call(Uv* uv, Act act, Broken broken) noexcept {
    Owner* const owner = owner_of(uv->data);
    if (owner == nullptr) return;
    const auto why = guarded(uv->loop, [&] { std::invoke(act, *owner); });
    if (!why) return;
    if (Owner* const left = owner_of(uv->data)) guard(uv->loop, [&] { std::invoke(broken, *left, *why); });
  }
  /// The same for an owner that goes on.
  template <typename Act>
  static void call(Uv* uv, Act act) noexcept {
    call(uv, std::move(act), [](Owner&, const Error&) {});
  }

 private:
  struct Cell {
    Uv uv{};
    Owner* owner = nullptr;
  };
  struct Close {
    void operator()(Cell* cell) const noexcept {
      cell->owner = nullptr;
      uv_close(reinterpret_cast<uv_handle_t*>(&cell->uv), [](uv_handle_t* uv) { delete static_cast<Cell*>(uv->data); });
    }
  };
  std::unique_ptr<Cell, Close> cell_;
};

}  // namespace sallyport::net

// The last guard where C code calls us.
#pragma once

#include <uv.h>

#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include <sallyport/result.hpp>

namespace sallyport::net {

/// Tells the Loop behind `loop` of what has been thrown, for its log, and puts it into words. On the loop's thread.
Error report_exception(uv_loop_t* loop, std::string_view what) noexcept;

/// Runs `act`, which C code (libuv, libssh) has called: an exception can't travel through its frames, and would end the
/// process with everybody's sessions. Such an exception is a mistake of ours; the caller ends what it was about, when
/// there is still something to be ended. Empty: nothing was thrown.
template <typename Act>
[[nodiscard]] std::optional<Error> guarded(uv_loop_t* loop, Act&& act) noexcept {
  try {
    std::forward<Act>(act)();
    return std::nullopt;
  } catch (const std::exception& thrown) {
    return report_exception(loop, thrown.what());
  } catch (...) {
    return report_exception(loop, "something that is no exception");
  }
}

/// The same where nothing is left to be ended.
template <typename Act>
void guard(uv_loop_t* loop, Act&& act) noexcept {
  static_cast<void>(guarded(loop, std::forward<Act>(act)));
}

}  // namespace sallyport::net

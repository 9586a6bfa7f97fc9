// A value, or the reason why there is none.
#pragma once

#include <cassert>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace sallyport {

/// What kind of failure it was, as far as callers decide by it.
enum class Errc {
  io,           ///< the operating system said no
  timeout,      ///< a deadline passed
  refused,      ///< the other side does not accept connections
  not_found,    ///< a name that does not resolve, a file that is not there
  host_key,     ///< the server's host key is unknown, changed or revoked
  denied,       ///< a decision against the asker
  unavailable,  ///< no decision could be made
  protocol,     ///< the peer broke the protocol
  limit,        ///< one of our limits
  config,       ///< the configuration is wrong
  closed,       ///< ended in good order
};

/// `detail` is for the log and the administrator, never for a peer.
struct Error {
  Errc code = Errc::io;
  std::string detail;
};

/// The way to make an Error into a failed Result of any type.
struct Failure {
  Error error;
};

inline Failure fail(Errc code, std::string detail) { return Failure{Error{code, std::move(detail)}}; }
inline Failure fail(Error error) { return Failure{std::move(error)}; }

/// std::expected's member names on g++ 12 in C++20. A dropped Result is a compiler warning.
template <typename T = std::monostate>
class [[nodiscard]] Result {
 public:
  Result() requires std::is_same_v<T, std::monostate> : state_(std::in_place_index<0>) {}
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& operator*() {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& operator*() const {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }
  Error& error() {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }

  /// Calls `next` with the value and returns its Result, or passes the error on.
  template <typename Next>
  auto and_then(Next&& next) && -> decltype(next(std::declval<T&&>())) {
    if (!has_value()) return fail(std::move(error()));
    return std::forward<Next>(next)(std::move(**this));
  }

 private:
  std::variant<T, Error> state_;
};

}  // namespace sallyport

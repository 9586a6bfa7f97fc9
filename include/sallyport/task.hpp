// A call that is made later, with all that it takes along.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <sallyport/bytes.hpp>

namespace sallyport {

/// A call without arguments that can be moved and not copied: what it takes along may be something that can't be copied either,
/// unlike a std::function's.
class Task {
 public:
  template <typename Call>
  requires(std::is_invocable_v<Call&> && !std::is_same_v<Call, Task>) Task(Call call)
      : body_(std::make_unique<BodyOf<Call>>(std::move(call))) {}

  /// Not once it has been moved from.
  void operator()() { body_->call(); }

 private:
  struct Body {
    virtual ~Body() = default;
    virtual void call() = 0;
  };
  template <typename Call>
  struct BodyOf final : Body {
    explicit BodyOf(Call its_call) : call_(std::move(its_call)) {}
    void call() override { call_(); }
    Call call_;
  };

  std::unique_ptr<Body> body_;
};

/// How an argument is kept until a later call: a view as what it shows, everything else as a value.
template <typename Param>
using Kept = std::conditional_t<std::is_same_v<std::decay_t<Param>, std::string_view>, std::string,
                                std::conditional_t<std::is_same_v<std::decay_t<Param>, ByteView>, Bytes, std::decay_t<Param>>>;

template <typename Param, typename Arg>
Kept<Param> keep(Arg&& argument) {
  if constexpr (std::is_same_v<Kept<Param>, Bytes> && !std::is_same_v<std::decay_t<Arg>, Bytes>) {
    const ByteView view = argument;
    return Bytes(view.begin(), view.end());
  } else {
    return Kept<Param>(std::forward<Arg>(argument));
  }
}

/// A call of an object's function, once, with arguments that are kept until then: to be given the object.
template <typename Object, typename... Params, typename... Args>
auto call_later(void (Object::*function)(Params...), Args&&... arguments) {
  return [function, kept = std::tuple<Kept<Params>...>(keep<Params>(std::forward<Args>(arguments))...)](Object& object) mutable {
    std::apply([&](auto&... values) { (object.*function)(std::move(values)...); }, kept);
  };
}

}  // namespace sallyport

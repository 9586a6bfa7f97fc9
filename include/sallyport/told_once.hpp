// Ends that are told once: because nothing is left that could be told, not because everybody takes care.
#pragma once

#include <functional>
#include <utility>

namespace sallyport {

/// Who is told what happens to an object, up to its end. The end takes the receiver away: whatever else still happens
/// to the object, there is nobody to be told twice, or behind the end.
///
/// An event may destroy the object that holds this, so arguments must not be parts of it.
template <typename Events>
class ToldOnce {
 public:
  /// Nobody is told anything.
  ToldOnce() = default;
  /// `receiver` is there until the end has been told.
  explicit ToldOnce(Events& receiver) : receiver_(&receiver) {}
  ToldOnce(const ToldOnce&) = delete;
  ToldOnce& operator=(const ToldOnce&) = delete;

  /// An event that others may follow. Nothing happens behind the end.
  template <typename Declares, typename... Params, typename... Args>
  void tell(void (Declares::*event)(Params...), Args&&... args) {
    if (receiver_ != nullptr) (receiver_->*event)(std::forward<Args>(args)...);
  }
  /// The last event, unless it has been told.
  template <typename Declares, typename... Params, typename... Args>
  void end(void (Declares::*event)(Params...), Args&&... args) {
    if (Events* const receiver = std::exchange(receiver_, nullptr)) (receiver->*event)(std::forward<Args>(args)...);
  }
  /// From now on another one is told, unless the end has been told.
  void pass_to(Events& receiver) {
    if (receiver_ != nullptr) receiver_ = &receiver;
  }
  /// Nobody wants to know any more.
  void drop() { receiver_ = nullptr; }
  bool is_over() const { return receiver_ == nullptr; }

 private:
  Events* receiver_ = nullptr;
};

/// A function that is called once at the most, with the outcome of something. It may destroy the object that holds
/// this.
template <typename Outcome>
class OutcomeOnce {
 public:
  OutcomeOnce() = default;
  explicit OutcomeOnce(std::function<void(Outcome)> then) : then_(std::move(then)) {}
  OutcomeOnce(OutcomeOnce&&) noexcept = default;
  OutcomeOnce& operator=(OutcomeOnce&&) noexcept = default;

  /// Nothing happens when it has been called, or never was set.
  void operator()(Outcome outcome) {
    if (const auto then = std::exchange(then_, nullptr)) then(std::forward<Outcome>(outcome));
  }
  void drop() { then_ = nullptr; }
  bool is_over() const { return then_ == nullptr; }

 private:
  std::function<void(Outcome)> then_;
};

}  // namespace sallyport

// What a trunk's target tells of its host keys, and the proof that it is asked for.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <sallyport/bytes.hpp>
#include <sallyport/upstream.hpp>

#include "mux/protocol/global_requests.hpp"
#include "mux/upstream/trunk.hpp"

namespace sallyport::mux {

/// Once for each trunk: a target that tells its keys again and again is not listened to.
class HostKeyLesson final : private GlobalAnswerEvents {
 public:
  static constexpr std::string_view kTold = "hostkeys-00@openssh.com";
  static constexpr std::string_view kProve = "hostkeys-prove-00@openssh.com";

  /// `trunk` outlives the lesson.
  HostKeyLesson(Trunk& trunk, std::unique_ptr<HostKeyLearner> learner) : trunk_(trunk), learner_(std::move(learner)) {}
  ~HostKeyLesson() override { trunk_.forget(*this); }
  HostKeyLesson(const HostKeyLesson&) = delete;
  HostKeyLesson& operator=(const HostKeyLesson&) = delete;

  /// The fields of the target's request.
  void begin(ByteView fields) {
    learner_->on_keys(fields, [this](const Bytes& request) {
      if (trunk_.usable()) trunk_.ask(kProve, request, *this);
    });
  }

 private:
  void on_global_answer(bool success, ByteView rest) override {
    if (success) learner_->on_proof(rest);
  }
  void on_global_timeout() override {}
  void on_global_lost() override {}

  Trunk& trunk_;
  std::unique_ptr<HostKeyLearner> learner_;
};

}  // namespace sallyport::mux

#include "mux/protocol/liveness.hpp"

namespace sallyport::mux {

Liveness::Liveness(Clock& clock, KeepaliveSettings settings, Host& host)
    : clock_(clock), settings_(settings), host_(host), last_heard_(clock.now()) {
  arm();
}

void Liveness::arm() {
  if (settings_.interval == Duration::zero()) return;
  timer_ = clock_.after(settings_.interval, [this] { look(); });
}

void Liveness::look() {
  if (clock_.now() - last_heard_ < settings_.interval) return arm();
  if (unanswered_ >= settings_.count) {
    if (host_.answers_no_question()) return spare_questions();
    stop();
    return host_.on_silence();
  }
  if (unanswered_++ == 0) unanswered_since_ = clock_.now();
  arm();
  host_.ask_for_life();
}

void Liveness::spare_questions() {
  spares_questions_ = true;
  unanswered_ = 0;
  stop();
}

}  // namespace sallyport::mux

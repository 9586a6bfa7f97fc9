// The frames between the daemon and its PAM helper: neither end may trust the other.
#include <cstdint>
#include <cstdlib>

#include "pam/protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport;
  ByteView rest(data, size);
  for (;;) {
    const pam::Cut cut = pam::cut_frame(rest);
    if (cut.broken || !cut.frame) return 0;
    if (cut.used < 5 || cut.used > rest.size()) std::abort();
    const ByteView fields = cut.frame->fields;
    if (const auto start = pam::parse_start(fields); start && (start->user.empty() || start->service.empty())) std::abort();
    if (const auto answers = pam::parse_answers(fields); answers && answers->size() > pam::kMaxMessages) std::abort();
    if (const auto questions = pam::parse_questions(fields)) {
      const Bytes again = pam::frame(*questions);
      const pam::Cut same = pam::cut_frame(again);
      if (!same.frame || !pam::parse_questions(same.frame->fields)) std::abort();
    }
    static_cast<void>(pam::parse_failed(fields));
    rest = rest.subspan(cut.used);
  }
}

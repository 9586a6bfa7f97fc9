// Global requests of ours on one connection, which its peer answers in their order (RFC 4254, section 4).
#pragma once

#include <list>
#include <memory>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>

namespace sallyport::mux {

/// Receives what became of a request. Not called inside the call that asked.
class GlobalAnswerEvents {
 public:
  virtual ~GlobalAnswerEvents() = default;
  /// `rest` are the fields of a success.
  virtual void on_global_answer(bool success, ByteView rest) = 0;
  /// There was no answer in time. One that comes late is still reported, unless the asker has had itself forgotten.
  virtual void on_global_timeout() = 0;
  /// The connection is gone; the last event.
  virtual void on_global_lost() = 0;
};

/// The one queue of a connection's requests, keepalives among them: an answer carries no number, so whoever asks stands
/// in line until the answer came, also when nobody wants it any more.
class GlobalRequests {
 public:
  /// A target that binds a port answers at once; this is for one that is stuck.
  static constexpr Duration kTimeout = std::chrono::seconds(30);

  /// A peer that owes so many answers gives none.
  static constexpr std::size_t kLimit = 1024;

  explicit GlobalRequests(Clock& clock) : clock_(clock) {}

  bool full() const { return asked_.size() >= kLimit; }
  /// One has been answered, however long ago.
  bool has_been_answered() const { return answered_; }
  /// A request has been sent whose answer only has to be counted.
  void expect() { asked_.emplace_back(); }
  /// A request has been sent whose answer `asker` waits for; it outlives that, or calls forget().
  void expect(GlobalAnswerEvents& asker);
  /// Reports nothing more to `asker`.
  void forget(GlobalAnswerEvents& asker);
  /// The peer's answer. False when there was no question.
  bool on_answer(bool success, ByteView rest);
  void on_lost();

 private:
  struct Asked {
    GlobalAnswerEvents* asker = nullptr;
    std::unique_ptr<Timer> deadline;
  };

  Clock& clock_;
  std::list<Asked> asked_;  // a deque would keep half a kilobyte for each idle connection
  bool answered_ = false;
};

}  // namespace sallyport::mux

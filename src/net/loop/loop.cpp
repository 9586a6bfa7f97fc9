#include "net/loop/loop.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include "net/loop/error.hpp"

namespace sallyport::net {
namespace {

// Without a loop there is no daemon, and these fail for want of memory or descriptors alone.
void must(int rc) {
  if (rc != 0) std::abort();
}

class WorkTicket;

// libuv's request owns the functions, since the thread may be at it when the ticket goes.
struct WorkRequest {
  uv_work_t uv{};
  std::function<void()> in_thread;
  std::function<void()> then;
  WorkTicket* ticket = nullptr;
  std::string thrown;  // by in_thread
};

class WorkTicket final : public Work {
 public:
  WorkTicket(uv_loop_t* loop, std::function<void()> in_thread, std::function<void()> then) {
    auto request = std::make_unique<WorkRequest>();
    request->in_thread = std::move(in_thread);
    request->then = std::move(then);
    request->ticket = this;
    request->uv.data = request.get();
    must(uv_queue_work(loop, &request->uv, on_thread, on_done));
    request_ = request.release();
  }
  ~WorkTicket() override {
    if (request_ == nullptr) return;
    request_->ticket = nullptr;
    request_->then = nullptr;
    // EBUSY when a thread is at it already: then on_done frees it later all the same.
    static_cast<void>(uv_cancel(reinterpret_cast<uv_req_t*>(&request_->uv)));
  }

 private:
  static void on_thread(uv_work_t* uv) noexcept {
    auto* request = static_cast<WorkRequest*>(uv->data);
    try {
      request->in_thread();
    } catch (const std::exception& thrown) {
      request->thrown = thrown.what();
    } catch (...) {
      request->thrown = "something that is no exception";
    }
  }
  static void on_done(uv_work_t* uv, int) noexcept {
    const std::unique_ptr<WorkRequest> request{static_cast<WorkRequest*>(uv->data)};
    if (!request->thrown.empty()) static_cast<void>(report_exception(uv->loop, "in the thread pool: " + request->thrown));
    if (request->ticket == nullptr) return;
    request->ticket->request_ = nullptr;
    guard(uv->loop, [&request] { request->then(); });  // may destroy the ticket
  }

  WorkRequest* request_ = nullptr;
};

}  // namespace

Error report_exception(uv_loop_t* loop, std::string_view what) noexcept {
  Error why{Errc::unavailable, "an exception: " + std::string(what)};
  const auto* const self = static_cast<const Loop*>(loop->data);
  try {
    if (self != nullptr && self->report_) {
      self->report_(why);
      return why;
    }
  } catch (...) {
    // A log that can't take it: what follows is all that is left.
  }
  static_cast<void>(std::fprintf(stderr, "sallyport: %s\n", why.detail.c_str()));
  return why;
}

Loop::Loop() {
  must(uv_loop_init(&uv_));
  uv_.data = this;
  must(uv_idle_init(&uv_, &idle_));
  idle_.data = this;
  wake_fd_ = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  must(uv_poll_init(&uv_, &wake_, wake_fd_.get()));
  must(uv_poll_start(&wake_, UV_READABLE, [](uv_poll_t* uv, int, int) noexcept { static_cast<Loop*>(uv->data)->run_posted(); }));
  wake_.data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(&wake_));
}

Loop::~Loop() {
  // A handle that is still open would be freed under its owner's feet. Leaking the loop's own resources is harmless.
  static_cast<void>(close());
}

void Loop::run() {
  uv_ref(reinterpret_cast<uv_handle_t*>(&wake_));
  uv_run(&uv_, UV_RUN_DEFAULT);
  uv_unref(reinterpret_cast<uv_handle_t*>(&wake_));
}

void Loop::stop() { uv_stop(&uv_); }

void Loop::run_once() {
  uv_ref(reinterpret_cast<uv_handle_t*>(&wake_));
  uv_run(&uv_, UV_RUN_ONCE);
  uv_unref(reinterpret_cast<uv_handle_t*>(&wake_));
}

void Loop::run_dry() { uv_run(&uv_, UV_RUN_DEFAULT); }

TimePoint Loop::now() const { return TimePoint{Duration{uv_now(&uv_)}}; }

void Loop::retire_cell(std::unique_ptr<Cell> cell) {
  retired_.push_back(std::move(cell));
  if (!open_) return;
  must(uv_idle_start(&idle_, [](uv_idle_t* uv) noexcept { static_cast<Loop*>(uv->data)->free_retired(); }));
}

void Loop::free_retired() {
  if (open_) must(uv_idle_stop(&idle_));
  // A destructor may retire something else: that is for the next turn.
  std::exchange(retired_, {}).clear();
}

void Loop::free_all_retired() {
  while (!retired_.empty()) free_retired();
}

void Loop::post(Task task) {
  {
    const std::lock_guard lock{posted_mutex_};
    posted_.push_back(std::move(task));
    if (posted_.size() > 1) return;  // whoever posted the first has woken the loop, which hasn't taken it yet
  }
  const std::uint64_t one = 1;
  ssize_t written = 0;
  while ((written = ::write(wake_fd_.get(), &one, sizeof one)) < 0 && errno == EINTR) continue;
  if (written < 0 && errno != EAGAIN) std::abort();  // EAGAIN: it has been woken 2^64 times
}

void Loop::run_posted() {
  // Before the tasks are taken: who posts the next first one must wake the loop again.
  std::uint64_t count = 0;
  while (::read(wake_fd_.get(), &count, sizeof count) < 0 && errno == EINTR) continue;
  std::vector<Task> tasks;
  {
    const std::lock_guard lock{posted_mutex_};
    tasks.swap(posted_);
  }
  for (auto& task : tasks) guard(&uv_, task);
}

std::unique_ptr<Work> Loop::work(std::function<void()> in_thread, std::function<void()> then) {
  return std::make_unique<WorkTicket>(&uv_, std::move(in_thread), std::move(then));
}

Result<> Loop::close() {
  if (!open_) return {};
  free_all_retired();
  struct Left {
    const Loop* loop;
    std::string names;
  } left{this, {}};
  uv_walk(
      &uv_,
      [](uv_handle_t* uv, void* data) noexcept {
        auto* found = static_cast<Left*>(data);
        const void* own[] = {&found->loop->idle_, &found->loop->wake_};
        if (uv_is_closing(uv) != 0 || uv == own[0] || uv == own[1]) return;
        const char* name = uv_handle_type_name(uv->type);
        found->names += ' ';
        found->names += name != nullptr ? name : "unknown";
      },
      &left);
  if (!left.names.empty()) return fail(Errc::io, "handles left open in the loop:" + left.names);
  open_ = false;
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
  do {
    uv_run(&uv_, UV_RUN_DEFAULT);
    free_all_retired();
  } while (uv_loop_alive(&uv_) != 0);
  {
    const std::lock_guard lock{posted_mutex_};
    posted_.clear();
  }
  if (int rc = uv_loop_close(&uv_); rc != 0) return fail(from_uv(rc, "close loop"));
  return {};
}

void end_work_threads() { uv_library_shutdown(); }

}  // namespace sallyport::net

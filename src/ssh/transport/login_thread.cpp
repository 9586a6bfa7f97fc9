#include "ssh/transport/login_thread.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace sallyport::ssh {
namespace {

/// Signals are for the thread that watches them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

LoginThread::LoginThread(std::function<void(const Error&)> on_exception) {
  loop_.on_exception(std::move(on_exception));
  const SignalsBlocked blocked;  // a new thread has the mask of its maker
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "logins");
    // On Linux a thread has a niceness of its own. Without it logins are only less polite.
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice));
    loop_.run();
  });
}

LoginThread::~LoginThread() {
  loop_.post([this] { loop_.stop(); });
  thread_.join();
  loop_.free_all_retired();  // it uses io_, which goes before the loop
}

}  // namespace sallyport::ssh

// Logs in at an SSH server with a key that it doesn't know, so many times a second: what the row "storm" is made with.
//
//   login_storm PORT KEY_FILE KNOWN_HOSTS RATE
//
// Runs until its standard input ends, and prints how many logins were refused, and how many failed otherwise.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "net/loop/loop.hpp"
#include "net/loop/uv_clock.hpp"
#include "ssh/transport/loop_io.hpp"
#include "ssh/upstream/client_connection.hpp"

namespace {

using namespace sallyport;

class Storm {
 public:
  explicit Storm(ssh::ClientOptions options, int rate) : options_(std::move(options)), pause_(1000.0 / rate) {
    began_ = std::chrono::steady_clock::now();
    tick();
    uv_poll_init(loop_.uv(), &input_, STDIN_FILENO);
    input_.data = this;
    uv_poll_start(&input_, UV_READABLE, [](uv_poll_t* uv, int, int) { static_cast<Storm*>(uv->data)->loop_.stop(); });
  }

  void run() {
    loop_.run();
    std::printf("%d refused, %d failed\n", refused_, failed_);
    std::fflush(stdout);
    std::_Exit(0);  // what is under way may go with the process
  }

 private:
  class Attempt final : public UpstreamEvents {
   public:
    Attempt(Storm& owner, int number)
        : owner_(owner), number_(number), connection_(owner.io_, owner.options_, static_cast<UpstreamEvents&>(*this)) {}
    void on_connected(std::unique_ptr<Transport>) override { owner_.done(number_, owner_.failed_); }
    void on_connect_failed(const UpstreamFailure& why) override {
      owner_.done(number_, why.code == Errc::denied ? owner_.refused_ : owner_.failed_);
    }
    void on_agent_wanted(UpstreamAnswers& to) override { to.refuse_agent("none"); }
    void on_question(UpstreamAnswers& to, const UpstreamQuestion&) override { to.refuse_answer("nobody"); }

   private:
    Storm& owner_;
    const int number_;
    ssh::ClientConnection connection_;
  };

  void done(int number, int& count) {
    ++count;
    const auto attempt = attempts_.find(number);
    loop_.retire(std::move(attempt->second));
    attempts_.erase(attempt);
  }

  // As many as the time that has gone by asks for, however late the timer is.
  void tick() {
    const std::chrono::duration<double, std::milli> gone = std::chrono::steady_clock::now() - began_;
    while (last_ < gone.count() / pause_) {
      const int number = ++last_;
      attempts_[number] = std::make_unique<Attempt>(*this, number);
    }
    timer_ = clock_.after(std::chrono::milliseconds(2), [this] { tick(); });
  }

  net::Loop loop_;
  net::UvClock clock_{loop_};
  ssh::LoopIo io_{loop_, clock_};
  const ssh::ClientOptions options_;
  const double pause_;
  std::chrono::steady_clock::time_point began_;
  std::map<int, std::unique_ptr<Attempt>> attempts_;
  std::unique_ptr<Timer> timer_;
  uv_poll_t input_{};
  int last_ = 0;
  int refused_ = 0;
  int failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: login_storm PORT KEY_FILE KNOWN_HOSTS RATE\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  ssh::ClientOptions options;
  options.name = "bastion";
  options.host = "127.0.0.1";
  options.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  options.user = "alice";
  options.credentials = {{Credential::Kind::key_file, argv[2]}};
  options.known_hosts = {argv[3]};
  options.algorithms.kex = {{"curve25519-sha256"}};
  Storm(std::move(options), std::atoi(argv[4])).run();
}

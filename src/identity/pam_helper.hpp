// The daemon's end of one PAM transaction, which a process of its own makes (src/pam).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>

#include "child/launch/launcher.hpp"
#include "child/launch/socket_process.hpp"
#include "log/records.hpp"
#include "net/loop/fd.hpp"
#include "net/loop/handle.hpp"
#include "net/loop/loop.hpp"
#include "pam/protocol.hpp"

namespace sallyport::identity {

/// What a helper tells its user; from the loop, never inside a call of the helper's, which must not be destroyed inside.
class PamHelperEvents {
 public:
  virtual ~PamHelperEvents() = default;
  /// To be answered by answer() when a prompt is among them.
  virtual void on_pam_questions(std::vector<pam::Message> questions) = 0;
  /// The password is right and has expired: what is asked from now on is for a new one.
  virtual void on_pam_changing() = 0;
  /// Authentication and account are well: open_session() may follow.
  virtual void on_pam_authenticated() = 0;
  virtual void on_pam_opened() = 0;
  /// It went wrong. Nothing follows.
  virtual void on_pam_failed(pam::Failed failed) = 0;
};

/// What helpers are started with.
struct PamEnvironment {
  net::Loop& loop;
  child::LocalLauncher& launcher;
  log::Records& records;
  std::string program;  ///< the helper's path
};

/// Starts the helper at once. Destroying it hangs the helper up, which closes the session if there is one, and kills it if
/// that takes long; it is always reaped.
class PamHelper final : private child::SocketProcessEvents {
 public:
  /// Of the helper's standard error; the rest is dropped.
  static constexpr std::uint32_t kMaxLoggedLines = 20;

  /// `connection` is for the log. The environment outlives the helper.
  PamHelper(PamEnvironment& environment, ConnectionId connection, pam::Start start, PamHelperEvents& events);
  ~PamHelper() override;
  PamHelper(const PamHelper&) = delete;
  PamHelper& operator=(const PamHelper&) = delete;

  /// Whom it tells from now on; null: nobody.
  void set_events(PamHelperEvents* events) { events_ = events; }
  /// One for each prompt of the last questions.
  void answer(std::vector<SecretString> answers);
  void open_session();
  /// Lets the helper close the session and end by itself. `on_ended` is called then, from the loop; never when it has ended.
  void close(std::function<void()> on_ended);
  bool ended() const { return ended_; }
  /// The socket, for those who have to wait for the helper's end without a loop; -1 when there is none.
  int socket() const { return socket_.get(); }

 private:
  using Poll = net::Handle<uv_poll_t, PamHelper>;

  void on_started(net::Fd socket) override;
  void on_failed(const Error& why) override;
  void on_error_line(std::string_view line) override;
  void on_exit(const ProcessEnd& end) override;

  static void on_ready(uv_poll_t* uv, int status, int events) noexcept;
  void read_some();
  /// False when nothing more is to be read.
  bool take(const pam::Frame& frame);
  void send(Bytes frame);
  void fail_now(pam::Failed failed);

  PamEnvironment& environment_;
  const ConnectionId connection_;
  const pam::Start start_;
  PamHelperEvents* events_;
  std::unique_ptr<child::SocketProcess> process_;
  net::Fd socket_;  // before the watcher: it must be open when that closes
  Poll poll_;
  Bytes received_;
  std::unique_ptr<net::Work> failing_;  // a failure to be told on a later turn
  std::function<void()> on_ended_;
  std::uint32_t lines_ = 0;
  bool failed_ = false;
  bool ended_ = false;  // the process
};

/// Where the helper's program is, seen from the daemon's own: beside it (where it was built), or in the folder for such
/// programs of the same installation. Errc::config when it is in neither.
Result<std::string> find_pam_helper();

/// Errc::config when PAM has no such service: it would take the one called "other", whatever that asks for.
Result<> check_pam_service(const std::string& service);

}  // namespace sallyport::identity

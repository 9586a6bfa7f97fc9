// The port between a local endpoint (mux) and a child process (child, or a test's script).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

namespace sallyport {

/// RFC 4254, 6.2 and 6.7.
struct WindowDimensions {
  std::uint32_t columns = 0;
  std::uint32_t rows = 0;
  std::uint32_t width_pixels = 0;
  std::uint32_t height_pixels = 0;
};

/// What a pty-req asked for. `modes` are RFC 4254's encoded terminal modes, as they came (section 8).
struct PtyRequest {
  std::string term;
  WindowDimensions dimensions;
  Bytes modes;
};

/// How a program that a client asked for differs from a helper of the daemon's own: what the account must be, and what it gets.
/// The fields are those of LocalSettings.
struct LocalLogin {
  std::vector<std::string> permit_accounts;
  std::vector<std::string> groups;
  std::optional<std::uint32_t> umask;
  std::map<std::string, std::string> limits;
  std::string chroot;  ///< may hold {home}, the account's; empty: none
  bool no_new_privs = false;
  bool record_login = false;
  std::string source;  ///< the client's address, for the record
};

/// A program to start on the bastion. `argv[0]` is looked up nowhere: it is a path.
struct ProcessSpec {
  std::vector<std::string> argv;
  std::string argv0;  ///< what the program sees as its own name when not empty: "-sh" makes a login shell
  /// Local account; empty is the daemon's own. Another one needs privileges, and a failure to change is a failure.
  std::string user;
  /// Everything the program gets, but for HOME USER LOGNAME SHELL PATH (and TERM, SSH_TTY with a pty), which
  /// come from the account; a name given here wins, and so does the later of two.
  std::vector<std::pair<std::string, std::string>> environment;
  std::optional<PtyRequest> pty;    ///< absent: three pipes
  std::optional<LocalLogin> login;  ///< absent: a helper of the daemon's own, which may be whoever `user` says
  std::string
      client;  ///< the user here whom it is for, and in whose share it is started and signalled; empty: nobody who is known
};

/// How a program ended: an exit status, or a signal's name without "SIG" (RFC 4254, 6.10).
struct ProcessEnd {
  std::uint32_t status = 0;
  std::string signal;  ///< empty: it exited with `status`
  bool core_dumped = false;
};

enum class OutputStream : std::uint8_t { standard, error };

/// What a process tells its user; from the loop, never inside a call of Process's.
class ProcessEvents {
 public:
  virtual ~ProcessEvents() = default;
  /// The program runs; on_failed comes in its place when it could not be started.
  virtual void on_started() = 0;
  /// It could not be started: nothing follows. Errc::denied: the account may not be used; Errc::unavailable: not at the moment.
  virtual void on_failed(const Error& why) = 0;
  /// Never more in all than was granted. The bytes are gone when the call returns.
  virtual void on_output(OutputStream stream, ByteView bytes) = 0;
  /// Both output streams have ended; comes once, after the last output.
  virtual void on_output_end() = 0;
  /// The program reads no more, as was found when there was something for it; comes once. Not with a terminal.
  virtual void on_input_closed() {}
  /// That many bytes of input have been taken by the program's pipe or terminal (or dropped, once it reads no more).
  virtual void on_input_taken(std::size_t count) = 0;
  /// The program has ended; comes once, before or after on_output_end. Background children of the program may
  /// keep the streams open: as sshd does, output is still read for as long as somebody holds them.
  virtual void on_exit(const ProcessEnd& end) = 0;
};

/// A child process with its stdio. Destroying it hangs up (SIGHUP, then SIGKILL after a grace time in the
/// background) and drops everything; the child is always reaped.
class Process {
 public:
  virtual ~Process() = default;
  /// Output that may come, in bytes, on top of what was granted before.
  virtual void grant(std::size_t bytes) = 0;
  /// Queues input. The caller bounds what it gives by on_input_taken.
  virtual void write(ByteView input) = 0;
  /// No more input: closes the pipe behind what is queued. On a terminal it means nothing, as with sshd.
  virtual void end_input() = 0;
  /// Nobody reads its standard output any more: closes it, so that a program that writes there gets SIGPIPE; its error output
  /// goes on. on_output_end comes as ever, with both. On a terminal it means nothing.
  virtual void end_output() = 0;
  /// Sets the terminal's size, which sends SIGWINCH; nothing without a terminal.
  virtual void resize(const WindowDimensions& dimensions) = 0;
  /// To the process group; `name` is RFC 4254's, without "SIG". False when the name is not one of section 6.10.
  virtual bool signal(std::string_view name) = 0;
  /// RFC 4335's break: tcsendbreak on a terminal. False without one.
  virtual bool send_break(std::uint32_t milliseconds) = 0;
};

/// Starts programs. User look-ups that may block are made elsewhere; the answer comes as an event.
class ProcessLauncher {
 public:
  virtual ~ProcessLauncher() = default;
  [[nodiscard]] virtual std::unique_ptr<Process> launch(ProcessSpec spec, ProcessEvents& events) = 0;
};

}  // namespace sallyport

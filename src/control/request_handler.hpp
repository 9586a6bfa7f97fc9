// The control protocol: what each request means, apart from sockets. README.md of this folder describes it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/connections.hpp>
#include <sallyport/journal.hpp>

namespace sallyport::control {

/// Who asks; for the log.
struct Requester {
  uid_t uid = 0;
  pid_t pid = 0;
};

/// Turns requests into calls of the ports, and what they return into responses. Used on the loop's thread.
class RequestHandler {
 public:
  using Reply = std::function<void(std::string response)>;
  using WallClock = std::function<std::chrono::system_clock::time_point()>;

  /// The arguments must outlive the handler. `now` is the time of day at `clock`'s now().
  RequestHandler(Connections& connections, DaemonControl& daemon, const Clock& clock, Journal& journal,
                 WallClock now = std::chrono::system_clock::now);

  /// Handles one line, whatever it holds, and calls `reply` exactly once with the response, one line without its LF:
  /// inside this call, or later for `reload`. `reply` may be called after the handler has gone.
  void handle(std::string_view line, const Requester& requester, Reply reply);

 private:
  struct Request;
  struct Verb;
  static const Verb kVerbs[];

  void status(const Request& request, Reply reply);
  void list_connections(const Request& request, Reply reply);
  void list_channels(const Request& request, Reply reply);
  void list_trunks(const Request& request, Reply reply);
  void list_forwards(const Request& request, Reply reply);
  void kill(const Request& request, Reply reply);
  void stop(const Request& request, Reply reply);
  void exit(const Request& request, Reply reply);
  void renew(const Request& request, Reply reply);
  void check(const Request& request, Reply reply);
  void penalties(const Request& request, Reply reply);
  void scan(const Request& request, Reply reply);
  void reload(const Request& request, Reply reply);
  void drain(const Request& request, Reply reply);
  void explain(const Request& request, Reply reply);

  /// Ends all connections of the user that the request names.
  void kill_user(const Request& request, const std::string& reason, const Reply& reply);
  /// Asks for one of the three, and answers with the count as member `done`.
  void change_trunks(const Request& request, const Reply& reply,
                     Result<std::size_t> (Connections::*change)(const TrunkSelection&, std::string_view), const char* done);

  Connections& connections_;
  DaemonControl& daemon_;
  const Clock& clock_;
  Journal& journal_;
  WallClock now_;
};

/// The response that says why there is none.
[[nodiscard]] std::string error_response(std::string_view why);

}  // namespace sallyport::control

// The control protocol: what each request means, apart from sockets. README.md of this folder describes it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/connections.hpp>
#include <sallyport/journal.hpp>

namespace sallyport::control {

struct Moment;

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

  /// The arguments must outlive the handler, and what it has asked for. `now` is the time of day at `clock`'s now().
  RequestHandler(Connections& connections, DaemonControl& daemon, const Clock& clock, Journal& journal,
                 WallClock now = std::chrono::system_clock::now);

  /// Handles one line, whatever it holds, and calls `reply` exactly once with the response, one line without its LF:
  /// inside this call, or later, as the ports answer. `reply` may be called after the handler has gone.
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
  void kill_user(const Request& request, const std::string& reason, Reply reply);
  /// Asks for the rows of one kind, and answers with them.
  template <typename Row>
  void list(void (Connections::*rows)(Connections::Done<std::vector<Row>>), Reply reply);
  using ChangeTrunks = void (Connections::*)(const TrunkSelection&, std::string_view, Connections::Done<Result<std::size_t>>);
  /// Asks for one of the three, and answers with the count as member `done`.
  void change_trunks(const Request& request, Reply reply, ChangeTrunks change, const char* done);
  Moment moment() const;

  Connections& connections_;
  DaemonControl& daemon_;
  const Clock& clock_;
  Journal& journal_;
  WallClock now_;
};

/// The response that says why there is none.
[[nodiscard]] std::string error_response(std::string_view why);

}  // namespace sallyport::control

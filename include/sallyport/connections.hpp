// The ports between the control socket and the daemon: what is open, ending it, and the daemon's own life.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/login_grant.hpp>
#include <sallyport/result.hpp>

namespace sallyport {

/// Payload bytes of channel data, both kinds. `in` came from the client, `out` went to the client.
struct ByteCounts {
  std::uint64_t in = 0;
  std::uint64_t out = 0;
};

/// One client connection that has been authenticated.
struct ConnectionRow {
  ConnectionId id{};
  std::string user;                                ///< who the client is
  std::string source;                              ///< address and port of the client: "10.0.0.7:50022"
  std::string target;                              ///< name of the target that the route chose
  std::string route;                               ///< name of the route
  std::string method;                              ///< how the client was authenticated: "publickey+password"
  std::string key_fingerprint;                     ///< "SHA256:…" of the key that did it; empty without one
  std::optional<CertificateIdentity> certificate;  ///< the key's, if it has one
  TimePoint since{};                               ///< when it was accepted
  std::size_t channels = 0;                        ///< open ones
  ByteCounts bytes;                                ///< of all its channels, the closed ones too
};

/// One channel of a client connection.
struct ChannelRow {
  ChannelId id{};
  ConnectionId connection{};
  std::string user;              ///< that of the connection
  std::optional<TrunkId> trunk;  ///< absent: it ends on the bastion, or its endpoint isn't chosen yet
  std::string target;            ///< name of the target it ends at; empty until that is chosen
  std::string type;              ///< RFC 4254's channel type: "session", "direct-tcpip"
  std::string request;           ///< "shell", "exec", "subsystem"; empty before it came
  std::string command;  ///< the command line, the subsystem's name or where a connection is forwarded to, as the peer sent it
  std::string state;    ///< the enumerator's name: "opening", "open", …
  TimePoint since{};
  ByteCounts bytes;
};

/// `waiting`: for its turn to log in at the target.
enum class TrunkState : std::uint8_t { waiting, connecting, ready, draining, closing };

/// The enumerator's name.
constexpr std::string_view to_string(TrunkState state) {
  switch (state) {
    case TrunkState::waiting: return "waiting";
    case TrunkState::connecting: return "connecting";
    case TrunkState::ready: return "ready";
    case TrunkState::draining: return "draining";
    case TrunkState::closing: return "closing";
  }
  return "unknown";
}

/// One shared upstream connection.
struct TrunkRow {
  TrunkId id{};
  std::string user;           ///< whose it is
  std::string target;         ///< name of the target
  std::string address;        ///< "10.0.0.5:22"
  std::string path;           ///< how it is reached there: "proxy command"; empty: directly
  std::string upstream_user;  ///< login name at the target
  TrunkState state = TrunkState::connecting;
  std::size_t channels = 0;       ///< slots in use, those that wait for CLOSE too
  std::size_t channel_limit = 0;  ///< channels_per_trunk, or the sessions that the target takes if those are fewer
  std::size_t connections = 0;    ///< client connections that have a channel on it
  TimePoint since{};
  std::optional<TimePoint> idle_since;  ///< since when it has no channel; absent while it has one
  ByteCounts bytes;
};

/// Whose trunks a verb is about.
struct TrunkSelection {
  std::string target;  ///< the target's name
  std::string user;    ///< empty: everybody's
};

/// A place where a target listens for a client (`ssh -R`).
struct ForwardRow {
  ForwardId id{};
  ConnectionId connection{};
  std::string user;              ///< that of the connection
  std::optional<TrunkId> trunk;  ///< absent until it is connected
  std::string target;            ///< name of the target
  std::string listen;  ///< as the client asked for it, with the port that the target chose: "localhost:8080", "/tmp/a.sock"
  std::string state;   ///< "connecting", "asking", "listening"
  std::uint64_t connections = 0;  ///< that have come in there so far
  TimePoint since{};
};

/// What a look at one trunk has shown.
struct TrunkCheck {
  TrunkRow row;
  bool asked = false;                  ///< it was logged in, so that it could be asked for a sign of life
  std::optional<Duration> round_trip;  ///< of a keepalive and its answer; absent: there was none in time
};

/// Logins of a user are not tried for a while, since the last one failed.
struct LoginPause {
  std::string user;
  std::string target;  ///< its name
  Duration left{};
  std::string told;  ///< why the last login failed, for a client
};

/// What a look at a target has shown.
struct TargetCheck {
  std::vector<TrunkCheck> trunks;  ///< ascending by id
  std::vector<LoginPause> pauses;
};

/// How much is open: as many as there are rows.
struct OpenCounts {
  std::size_t connections = 0;
  std::size_t channels = 0;
  std::size_t trunks = 0;
  std::size_t forwards = 0;
};

/// What is open, and ending it; mux implements it. All calls are made on the loop's thread. Each is answered there by `done`,
/// which is called once, inside the call or later, for there may be somebody to be asked; it is destroyed uncalled if this goes
/// before.
class Connections {
 public:
  template <typename Answer>
  using Done = std::function<void(Answer)>;

  virtual ~Connections() = default;
  /// Cheap, however much is open: may be asked for again and again.
  virtual void counts(Done<OpenCounts> done) = 0;
  /// Rows in ascending order of id.
  virtual void connections(Done<std::vector<ConnectionRow>> done) = 0;
  virtual void channels(Done<std::vector<ChannelRow>> done) = 0;
  virtual void trunks(Done<std::vector<TrunkRow>> done) = 0;
  virtual void forwards(Done<std::vector<ForwardRow>> done) = 0;
  /// Ends it soon, not inside the call. `reason` goes to the log, the audit trail and, as text of the disconnection,
  /// to the client. Errc::not_found when there is no such connection.
  virtual void end_connection(ConnectionId id, std::string_view reason, Done<Result<>> done) = 0;
  /// The same for all connections of that user: how many they are; Errc::not_found when there is none.
  virtual void end_connections_of(std::string_view user, std::string_view reason, Done<Result<std::size_t>> done) = 0;
  /// The same for one channel: it gets CLOSE on both sides, and a local process is hung up.
  virtual void end_channel(ChannelId id, std::string_view reason, Done<Result<>> done) = 0;
  /// These three: how many trunks it is about; Errc::not_found when there is none.
  /// No new channels on those trunks; each ends with its last channel. What is asked for next gets a new trunk.
  virtual void stop_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) = 0;
  /// Ends them soon, with the channels on them, whose clients are told.
  virtual void end_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) = 0;
  /// As stop_trunks(), and forgets what was learnt of the target, so that the next login is made at once and afresh. A
  /// pause of logins that ends counts as well.
  virtual void renew_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) = 0;
  /// Asks those trunks for a sign of life; answered later, within kCheckTime.
  static constexpr Duration kCheckTime = std::chrono::seconds(5);
  virtual void check_trunks(const TrunkSelection& which, Done<TargetCheck> done) = 0;
};

/// The daemon as a whole. Counts of what is open come from Connections.
struct DaemonStatus {
  std::string version;
  std::int64_t pid = 0;
  TimePoint started{};
  std::string config_file;
  std::chrono::system_clock::time_point config_loaded{};
  std::vector<std::string> listening;      ///< addresses in use, with the real port
  bool draining = false;                   ///< no new connections or channels; the daemon ends with the last one
  std::uint64_t connections_accepted = 0;  ///< since the start, the unauthenticated ones too
  std::uint64_t logins_failed = 0;
};

/// What `explain` answers, for people and for programs.
struct ExplainAnswer {
  std::string text;  ///< several lines, each with its end
  std::string json;  ///< the same as one JSON value
};

/// A source of connections that is kept out for a while, or soon will be.
struct PenaltyRow {
  std::string source;  ///< a block of addresses: "10.0.0.1/32"
  Duration left{};
  bool active = false;  ///< it is kept out
  std::string reason;   ///< for its last offence
  std::uint64_t offences = 0;
};

/// A host key that a target has shown, for an administrator to compare and to accept.
struct ScannedKey {
  std::string type;         ///< "ssh-ed25519"
  std::string fingerprint;  ///< "SHA256:…"
  std::string line;         ///< for known_hosts, without its end
};

/// The daemon's own life; app implements it. Called on the loop's thread.
class DaemonControl {
 public:
  virtual ~DaemonControl() = default;
  virtual DaemonStatus status() const = 0;
  /// Names of the configured targets, in order.
  virtual std::vector<std::string> targets() const = 0;
  /// As SIGHUP: reads and checks the configuration and puts it in force, or keeps the old one and says what is wrong
  /// in Error::detail. Calls `done` exactly once, inside the call or later; `done` never calls back into the daemon.
  virtual void reload(std::function<void(Result<>)> done) = 0;
  /// As SIGTERM: accepts nothing new and ends when the last channel has, or at the configured deadline.
  virtual void drain() = 0;
  /// What `sallyportd -C query` prints: which route and channel rule would win, and why. Errc::config when the query
  /// is malformed.
  virtual Result<ExplainAnswer> explain(std::string_view query) const = 0;
  /// The longest first.
  virtual std::vector<PenaltyRow> penalties() const = 0;
  /// Forgets the penalty of one source, as penalties() names it, or of every one: "all". How many there were.
  virtual std::size_t lift_penalties(std::string_view source) = 0;
  /// Looks at the host keys of a configured target, by key exchanges without a login; placeholders are filled in for
  /// `user`, who may be empty. Calls `done` exactly once, inside the call or later, with one key of each type.
  virtual void scan(const std::string& target, const std::string& user,
                    std::function<void(Result<std::vector<ScannedKey>>)> done) = 0;
};

}  // namespace sallyport

// The configuration as plain, validated values. Made by config/, never changed afterwards; a reload makes another one.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/command_regex.hpp>
#include <sallyport/options.hpp>

namespace sallyport {

/// Where to listen. `host` is a literal IPv4 or IPv6 address, without brackets.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;  ///< 0: the system chooses one, which is logged
  /// Networks whose connections begin with a PROXY header (v1 or v2), and no others' do.
  std::vector<std::string> proxy_protocol_from = {};
  bool operator==(const ListenAddress&) const = default;
};

/// What a reload does with the connections that are there.
enum class OnReload : std::uint8_t {
  keep,     ///< they keep the rights that they logged in with
  recheck,  ///< those whose login would no longer be granted are ended
};

/// `[server]`. Paths here and below are absolute, or relative to the working folder when the configuration's own path was.
struct ServerSettings {
  static constexpr const char* kDefaultIdentification = "OpenSSH_9.9 Sallyport";

  std::vector<std::string> host_keys{"ssh_host_ed25519_key"};
  std::string control_socket;  ///< empty: none
  std::string banner;          ///< the text itself (a file is read when the configuration is loaded); empty: none
  /// What follows "SSH-2.0-" on both legs. Without the OpenSSH_ in front, peers do not use their extensions.
  std::string identification = kDefaultIdentification;
  std::string login_separator = "+";
  Duration drain_timeout = std::chrono::seconds(30);  ///< SIGTERM: how long open channels may go on
  OnReload on_reload = OnReload::keep;
  bool operator==(const ServerSettings&) const = default;
};

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };
enum class LogFormat : std::uint8_t { text, json };

/// `[log]`
struct LogSettings {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::string file = "-";  ///< "-": standard error
  bool operator==(const LogSettings&) const = default;
};

/// `[audit]`
struct AuditSettings {
  std::string file;  ///< empty: no audit trail
  bool operator==(const AuditSettings&) const = default;
};

/// `[auth]`
struct AuthSettings {
  /// Alternatives; the methods of one, joined by "+", are all needed, in that order.
  std::vector<std::string> methods{"publickey"};
  std::vector<std::string> authorized_keys{"authorized_keys/{user}"};  ///< path templates with {user} and {home}
  std::uint64_t max_authorized_keys_size = 1024 * 1024;                ///< bytes; a larger file is refused
  /// A program that prints a user's lines; its arguments may hold {user}, {key_type}, {key} and {fingerprint}. Empty: none.
  std::vector<std::string> authorized_keys_command;
  std::string authorized_keys_command_user;  ///< the account that it runs as; never empty with a program
  Duration authorized_keys_command_timeout = std::chrono::seconds(10);
  bool strict_modes = true;  ///< files that others than their owner and root could change are not believed
  std::vector<std::string> permit_user_environment;  ///< globs on the names that `environment=` of a key may set
  std::uint32_t min_rsa_size = 2048;                 ///< bits, of keys and certificate authorities
  std::vector<std::string> trusted_user_ca_keys;     ///< files
  std::vector<std::string> authorized_principals;    ///< path templates with {user} and {home}; none: the user's name
  std::vector<std::string> revoked_keys;             ///< files: lists of keys, or KRLs
  std::string pam_service;                           ///< for passwords and keyboard-interactive; empty: no PAM
  std::string password_file;                         ///< `user:hash`, as crypt(3) makes them; empty: none
  std::string totp_file;                             ///< secrets of one-time codes (RFC 6238); empty: none
  Duration failure_delay = std::chrono::seconds(1);  ///< before a wrong password or code is refused
  /// So many wrong passwords and codes of one user in the window, and only keys are taken from that user; 0: never.
  std::uint32_t max_password_failures_per_user = 10;
  Duration password_failure_window = std::chrono::minutes(10);
  bool operator==(const AuthSettings&) const = default;
};

/// `[algorithms]`; an absent list means the built-in one. None is empty.
struct Algorithms {
  std::optional<std::vector<std::string>> kex;
  std::optional<std::vector<std::string>> ciphers;
  std::optional<std::vector<std::string>> macs;
  std::optional<std::vector<std::string>> host_keys;
  /// Peers that don't know the strict key exchange (OpenSSH's PROTOCOL, 1.10) are refused; absent: they aren't.
  std::optional<bool> require_strict_kex;
  auto operator<=>(const Algorithms&) const = default;
};

/// As sshd's MaxStartups: from `start` unauthenticated connections on, `rate` per cent are refused, growing linearly
/// up to `full`, where all are.
struct MaxStartups {
  std::uint32_t start = 50;
  std::uint32_t rate = 30;
  std::uint32_t full = 200;
  bool operator==(const MaxStartups&) const = default;
};

/// `[limits]`
struct Limits {
  Duration login_grace_time = std::chrono::seconds(60);
  std::uint32_t max_auth_tries = 6;
  MaxStartups max_startups;
  std::uint32_t max_startups_per_source = 20;    ///< connections that are not logged in; 0: any number
  std::uint32_t max_connections_per_source = 0;  ///< 0: any number
  std::uint32_t source_prefix_ipv4 = 32;         ///< how many leading bits make one source
  std::uint32_t source_prefix_ipv6 = 64;
  std::uint32_t max_connections_per_user = 100;
  std::uint32_t max_channels_per_connection = 256;  ///< sessions
  /// Forwarded connections of one connection, in either direction, those to agents and displays among them.
  std::uint32_t max_forwarded_per_connection = 1024;
  /// Ports and sockets that targets listen on for one connection.
  std::uint32_t max_forwards_per_connection = 64;
  std::uint32_t max_trunks_per_user = 100;
  /// How many channels may wait for one trunk that is still connecting.
  std::uint32_t max_waiting_channels = 1000;
  /// How many upstream logins may be under way at one address; the others wait for their turn.
  std::uint32_t max_logins_per_target = 8;
  /// The most that a peer may send ahead on one channel, in bytes, whatever the other side advertised.
  std::uint32_t channel_window = 4 * 1024 * 1024;
  bool operator==(const Limits&) const = default;
};

/// `[penalties]`: for how long a source is kept out after what it did, as sshd's PerSourcePenalties. They add up.
struct Penalties {
  bool enabled = true;
  Duration crash = std::chrono::seconds(90);           ///< what it sent was no SSH, or broke the protocol
  Duration auth_failure = std::chrono::seconds(5);     ///< it went after attempts that were refused
  Duration no_auth = std::chrono::seconds(1);          ///< it went without an attempt
  Duration grace_exceeded = std::chrono::seconds(10);  ///< it had not logged in when its time was over
  Duration min = std::chrono::seconds(15);             ///< less than this in sum keeps nobody out
  Duration max = std::chrono::minutes(10);             ///< the sum grows no further
  std::uint32_t max_sources = 65536;                   ///< that are remembered
  std::vector<std::string> exempt;                     ///< networks
  bool operator==(const Penalties&) const = default;
};

enum class TargetKind : std::uint8_t { ssh, local };

/// One way to prove who we are to a target, in the order of the configuration.
struct Credential {
  enum class Kind : std::uint8_t {
    key_file,               ///< "key:FILE", a private key, and the certificate beside it
    agent,                  ///< "agent:SOCKET", the keys of an agent on the bastion
    forwarded_agent,        ///< those of the client's own agent
    password_file,          ///< "password-file:FILE", its first line
    password,               ///< the one that the client has just typed
    keyboard_interactive,   ///< the client answers the target's questions
    signer,                 ///< a fresh key with a certificate that the target's `signer` program makes
    certificate_authority,  ///< "ca:FILE", the same with a certificate that the bastion issues with that key
  };
  Kind kind = Kind::key_file;
  std::string value;  ///< the path, with {user} and {target} in a target of the configuration; empty for the kinds without one
  auto operator<=>(const Credential&) const = default;
};

/// The part of a target that `kind = "local"` has.
struct LocalSettings {
  std::string user;  ///< empty: the daemon's own; may hold {user}
  std::vector<std::string> shell{"/bin/sh"};
  std::map<std::string, std::string> environment;
  std::vector<std::string> accept_environment;  ///< globs on names
  std::map<std::string, std::vector<std::string>> subsystems;
  /// Globs on the accounts that programs may run as. The superuser is meant only where "root" is spelt out.
  std::vector<std::string> permit_accounts{"*"};
  std::vector<std::string> groups;            ///< beside the account's own
  std::optional<std::uint32_t> umask;         ///< absent: 022
  std::map<std::string, std::string> limits;  ///< of setrlimit(2), by name; a number or "unlimited"
  std::string chroot;                         ///< may hold {user} and {home}; empty: none
  bool no_new_privs = false;
  bool record_login = false;  ///< sessions with a terminal are written to utmp, wtmp and lastlog
  auto operator<=>(const LocalSettings&) const = default;
};

/// A target is reached through so many others at the most.
inline constexpr std::size_t kMaxHops = 4;

/// `[target.NAME]`
struct Target {
  std::string name;
  TargetKind kind = TargetKind::ssh;
  std::string host;                     ///< kind ssh; may hold {target} and {user}; no brackets
  std::uint16_t port = 22;              ///< kind ssh
  std::string user = "{user}";          ///< kind ssh: login name upstream; may hold {target} and {user}
  std::vector<Credential> credentials;  ///< kind ssh
  std::string passphrase_file;          ///< of the private keys; "credential:NAME" is systemd's; empty: none
  /// A program that makes certificates; its arguments may hold {user}, {target}, {login} (the name upstream), {identity},
  /// {principals}, {validity} and {key} (the file with the public key). Empty: none.
  std::vector<std::string> signer;
  Duration certificate_validity = std::chrono::minutes(5);
  std::vector<std::string> certificate_principals{"{user}"};  ///< may hold {user}, {target} and {login}
  std::string known_hosts;                                    ///< kind ssh; never empty there
  /// kind ssh: a program whose standard input and output are the connection, in place of TCP; its arguments may hold
  /// {host}, {port}, {user} (the login name upstream) and {target}. Empty: none.
  std::vector<std::string> proxy_command;
  /// kind ssh: the target through whose trunk this one is reached; empty: directly. Then there is no proxy_command.
  std::string via;
  Algorithms algorithms;  ///< kind ssh; what is absent comes from [algorithms]
  /// kind ssh: behind those, what only old gear still wants is offered, too: SHA-1, CBC, RSA keys from 1024 bits.
  bool legacy_algorithms = false;
  LocalSettings local;  ///< kind local
  OptionOverrides options;
  bool operator==(const Target&) const = default;
};

/// `[[route.channel]]`: exactly one of `to` and `deny` is set.
struct ChannelRule {
  std::vector<std::string> requests;          ///< "session" stands for shell, exec and subsystem
  std::optional<std::string> command;         ///< glob on exec's command line; only exec can match then
  std::optional<CommandRegex> command_regex;  ///< matches exec's whole command line; only exec can match then
  std::optional<std::string> subsystem;       ///< glob on its name; only subsystem can match then
  std::optional<std::string> to;              ///< a target's name, or "{target}"
  std::optional<std::string> deny;            ///< what the client is told
  RuleEffect effect() const { return deny ? RuleEffect::denies : RuleEffect::leads; }
  bool operator==(const ChannelRule&) const = default;
};

/// `[[route]]`
struct Route {
  std::string name;                                 ///< "route 3" when the configuration gives none
  std::optional<std::vector<std::string>> users;    ///< names, globs, @groups; absent: everyone
  std::optional<std::vector<std::string>> targets;  ///< globs on what the client asked for
  std::optional<std::vector<std::string>> sources;  ///< networks; absent: anywhere
  std::vector<std::string> valid;                   ///< times of the week, local: "Mon-Fri 08:00-18:00"; empty: always
  std::vector<std::string> require;                 ///< "mfa": the login had a second factor
  std::string to;                                   ///< a target's name, or "{target}"
  std::vector<ChannelRule> channels;
  OptionOverrides options;
  bool operator==(const Route&) const = default;
};

/// Everything. Handed around as std::shared_ptr<const Config>.
struct Config {
  std::string file;  ///< where it came from, for messages
  std::vector<ListenAddress> listens;
  ServerSettings server;
  LogSettings log;
  AuditSettings audit;
  AuthSettings auth;
  Algorithms algorithms;
  Limits limits;
  Penalties penalties;
  std::map<std::string, std::vector<std::string>> groups;
  Options defaults;  ///< built-in values with [defaults] on top
  std::map<std::string, Target> targets;
  std::vector<Route> routes;
  bool operator==(const Config&) const = default;
};

}  // namespace sallyport

#include "config/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/memory_files.hpp"

namespace sallyport::config {
namespace {

using ::testing::ElementsAre;

std::string told(const Loaded& loaded) {
  std::string all;
  for (const Problem& problem : loaded.problems) all += to_string(problem) + "\n";
  return all;
}

Config loaded_from(const MemoryFiles& files) {
  Loaded loaded = load("/c/main.toml", files);
  EXPECT_NE(loaded.config, nullptr) << told(loaded);
  return loaded.config ? *loaded.config : Config{};
}

constexpr const char* kFull = R"(
include = ["conf.d/*.toml"]
[[listen]]
address = "127.0.0.1:2222"
[[listen]]
address = "[::]:2222"
[server]
host_keys = ["keys/a", "/abs/b"]
control_socket = "run/s"
banner = "@banner.txt"
drain_timeout = "1m30s"
on_reload = "recheck"
[log]
level = "debug"
format = "json"
file = "log"
[audit]
file = "audit"
[algorithms]
kex = ["curve25519-sha256"]
require_strict_kex = true
[limits]
max_startups = "1:2:3"
channel_window = "64KiB"
[groups]
ops = ["alice", "b*"]
[defaults]
idle_timeout = "1h"
[target.web1]
address = "[fe80::1]:2200"
credentials = ["key:k/{user}"]
known_hosts = "kh"
keepalive_interval = "0s"
linger = "0s"
warm = 2
forward_agent = false
[target.web1.algorithms]
ciphers = ["aes256-ctr"]
require_strict_kex = false
[target.sh]
kind = "local"
user = "nobody"
shell = ["/bin/bash", "-r"]
environment = { LANG = "C.UTF-8", X = "a \"b\" \\ \u0007 ü" }
accept_environment = ["LC_*"]
subsystems = { sftp = ["/usr/lib/openssh/sftp-server", ""], "a@b" = ["./x"] }
[[route]]
name = "r"
users = ["@ops"]
targets = []
sources = ["10.0.0.0/8"]
to = "web1"
channels_per_trunk = 3
rate_limit = "20MiB/s"
channel_timeouts = { "session:shell" = "1h", "*" = "0s" }
[[route.channel]]
request = ["exec", "shell"]
command = "b-*"
to = "sh"
[[route.channel]]
request = "exec"
command_regex = "b-[a-z]+"
to = "sh"
[[route.channel]]
request = "subsystem"
subsystem = "x"
deny = "no"
)";

MemoryFiles full() {
  MemoryFiles files;
  files.contents["/c/main.toml"] = kFull;
  files.contents["/c/banner.txt"] = "@hello\n";
  files.contents["/c/conf.d/a.toml"] =
      "[target.db]\naddress='db'\ncredentials=['key:k']\nknown_hosts='../kh'\n[[route]]\nto='db'\n";
  return files;
}

TEST(Load, ReadsEverything) {
  const Config config = loaded_from(full());
  EXPECT_THAT(config.listens, ElementsAre(ListenAddress{"127.0.0.1", 2222}, ListenAddress{"::", 2222}));
  EXPECT_THAT(config.server.host_keys, ElementsAre("/c/keys/a", "/abs/b"));
  EXPECT_EQ(config.server.control_socket, "/c/run/s");
  EXPECT_EQ(config.server.banner, "@hello\n");
  EXPECT_EQ(config.server.drain_timeout, Duration(std::chrono::seconds(90)));
  EXPECT_EQ(config.server.on_reload, OnReload::recheck);
  EXPECT_EQ(config.log.file, "/c/log");
  EXPECT_THAT(config.auth.authorized_keys, ElementsAre("/c/authorized_keys/{user}"));
  EXPECT_EQ(config.limits.max_startups, (MaxStartups{1, 2, 3}));
  EXPECT_EQ(config.limits.channel_window, 65536U);
  EXPECT_EQ(config.defaults.idle_timeout, Duration(std::chrono::hours(1)));
  EXPECT_EQ(config.defaults.keepalive_count, 3U);
  const Target& web1 = config.targets.at("web1");
  EXPECT_EQ(web1.host, "fe80::1");
  EXPECT_EQ(web1.port, 2200);
  EXPECT_EQ(web1.user, "{user}");
  EXPECT_EQ(web1.credentials.at(0).value, "/c/k/{user}");
  EXPECT_EQ(web1.options.keepalive_interval, Duration(0));
  EXPECT_EQ(web1.options.linger, Duration(0));
  EXPECT_EQ(web1.options.warm, 2U);
  EXPECT_FALSE(config.defaults.linger) << "as idle_timeout";
  EXPECT_EQ(config.targets.at("sh").local.subsystems.at("a@b").at(0), "/c/x");
  EXPECT_EQ(config.routes.at(0).channels.size(), 3U);
  EXPECT_EQ(config.routes.at(0).channels.at(1).command_regex->text(), "b-[a-z]+");
  EXPECT_EQ(config.routes.at(0).options.channel_timeouts->at("session:shell"), Duration(std::chrono::hours(1)));
  EXPECT_EQ(config.routes.at(0).options.rate_limit, BytesPerSecond{20U << 20U});
}

TEST(Load, PathsOfAnIncludedFileAreRelativeToIt) {
  const Config config = loaded_from(full());
  EXPECT_EQ(config.targets.at("db").credentials.at(0).value, "/c/conf.d/k");
  EXPECT_EQ(config.targets.at("db").known_hosts, "/c/kh");
  EXPECT_EQ(config.targets.at("db").port, 22);
}

TEST(Load, RoutesOfIncludedFilesComeLaterAndGetNames) {
  const Config config = loaded_from(full());
  ASSERT_EQ(config.routes.size(), 2U);
  EXPECT_EQ(config.routes[0].name, "r");
  EXPECT_EQ(config.routes[1].name, "route 2");
}

void expect_round_trip(const Config& config) {
  MemoryFiles files;
  files.contents["/elsewhere/copy.toml"] = to_toml(config);
  const Loaded again = load("/elsewhere/copy.toml", files);
  ASSERT_NE(again.config, nullptr) << told(again) << to_toml(config);
  Config copy = *again.config;
  copy.file = config.file;
  EXPECT_EQ(copy, config) << to_toml(config);
}

TEST(Emit, LoadsAgainToTheSame) { expect_round_trip(loaded_from(full())); }

TEST(Emit, LoadsTheKeysOfAuthenticationAndPolicyAgain) {
  MemoryFiles files;
  files.contents["/c/main.toml"] = R"(
[[listen]]
address = "127.0.0.1:0"
proxy_protocol_from = ["10.0.0.0/8", "::1"]
[auth]
methods = ["publickey", "publickey+keyboard-interactive", "password"]
authorized_keys = ["{home}/.ssh/authorized_keys", "keys/{user}"]
authorized_keys_command = ["/usr/bin/keys", "{user}", "{key_type} {key}", "{fingerprint}"]
authorized_keys_command_user = "nobody"
authorized_keys_command_timeout = "2s"
strict_modes = false
permit_user_environment = ["LANG", "LC_*"]
min_rsa_size = 3072
trusted_user_ca_keys = ["ca.pub"]
authorized_principals = ["principals/{user}"]
revoked_keys = ["revoked", "/etc/krl"]
password_file = "passwords"
totp_file = "codes"
failure_delay = "3s"
max_password_failures_per_user = 3
password_failure_window = "1h"
[limits]
max_startups_per_source = 5
max_connections_per_source = 50
source_prefix_ipv4 = 24
source_prefix_ipv6 = 56
[penalties]
enabled = false
crash = "1m"
auth_failure = "2s"
no_auth = "3s"
grace_exceeded = "4s"
min = "5s"
max = "6m"
max_sources = 10
exempt = ["127.0.0.0/8"]
[target.a]
address = "h"
known_hosts = "kh"
credentials = ["key:k", "agent:/run/{user}.sock", "forwarded-agent", "password-file:p", "password", "keyboard-interactive", "signer", "ca:ca"]
passphrase_file = "credential:phrase"
signer = ["/usr/bin/sign", "{user}", "{target}", "{login}", "{identity}", "{principals}", "{validity}", "{key}"]
certificate_validity = "90s"
certificate_principals = ["{user}", "{login}-{target}"]
host_key_policy = "accept-new"
update_host_keys = true
[target.b]
kind = "local"
permit_accounts = ["root", "w*"]
groups = ["adm"]
umask = "0027"
limits = { nofile = 256, core = 0, cpu = "unlimited" }
chroot = "{home}/jail"
no_new_privs = true
record_login = true
[[route]]
to = "a"
valid = ["Mon-Fri 08:00-18:00"]
require = ["mfa"]
permit_pty = false
permit_subsystems = ["sftp"]
force_command = "menu"
max_connections = 7
reuse_after_mfa = "8h"
)";
  const Config config = loaded_from(files);
  EXPECT_EQ(config.auth.authorized_keys, (std::vector<std::string>{"{home}/.ssh/authorized_keys", "/c/keys/{user}"}));
  EXPECT_EQ(config.targets.at("a").credentials[1], (Credential{Credential::Kind::agent, "/run/{user}.sock"}));
  EXPECT_EQ(config.targets.at("b").local.umask, 027U);
  EXPECT_EQ(config.routes.at(0).options.reuse_after_mfa, Duration(std::chrono::hours(8)));
  EXPECT_EQ(config.targets.at("b").local.limits.at("cpu"), "unlimited");
  expect_round_trip(config);
}

TEST(Emit, FillsInTheDefaultsAndLoadsAgain) {
  MemoryFiles files;
  files.contents["/c/main.toml"] = "[[listen]]\naddress='127.0.0.1:0'\n";
  const Config config = loaded_from(files);
  const std::string text = to_toml(config);
  for (const char* line :
       {"idle_timeout = \"10m\"", "max_startups = \"50:30:200\"", "channel_window = \"4MiB\"", "record = \"none\""}) {
    EXPECT_THAT(text, ::testing::HasSubstr(line));
  }
  expect_round_trip(config);
}

TEST(Sample, PassesTheCheckAndLoadsAgain) {
  const Loaded loaded = load(SALLYPORT_SAMPLE);
  ASSERT_NE(loaded.config, nullptr) << told(loaded);
  expect_round_trip(*loaded.config);
}

TEST(Sample, ShowsTheDefaults) {
  const Loaded loaded = load(SALLYPORT_SAMPLE);
  ASSERT_NE(loaded.config, nullptr) << told(loaded);
  EXPECT_EQ(loaded.config->limits, Limits{});
  EXPECT_EQ(loaded.config->penalties, Penalties{});
  EXPECT_EQ(loaded.config->defaults, Options{});
  EXPECT_EQ(loaded.config->log, LogSettings{});
  EXPECT_EQ(loaded.config->server.identification, ServerSettings::kDefaultIdentification);
  EXPECT_EQ(loaded.config->auth.max_authorized_keys_size, AuthSettings{}.max_authorized_keys_size);
}

}  // namespace
}  // namespace sallyport::config

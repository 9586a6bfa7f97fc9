#include "entry/recheck.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/factors/method_chains.hpp"
#include "auth/factors/password_file.hpp"
#include "auth/factors/secret_file.hpp"
#include "auth/factors/totp.hpp"
#include "identity/key_look_up.hpp"
#include "route/match_reason.hpp"
#include "route/resolved_target.hpp"
#include "route/router.hpp"

namespace sallyport::entry {
namespace {

constexpr std::string_view kTold = "this login is not granted any more";

GrantLost lost(std::string detail) { return {std::string(kTold), std::move(detail)}; }

bool is_complete(const AuthSettings& settings, const std::string& method) {
  auth::MethodChains chains(settings.methods);
  for (std::string_view rest = method; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(auth::kChainJoint));
    if (!chains.allows(one)) return false;
    chains.pass(one);
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
  }
  return chains.complete();
}

bool has_passed(const std::string& method, std::string_view one) {
  const std::string joint(1, auth::kChainJoint);
  return (joint + method + joint).find(joint + std::string(one) + joint) != std::string::npos;
}

/// Whether both bind a connection alike, wherever they were found.
bool bind_alike(const LoginGrant& a, const LoginGrant& b) {
  return static_cast<const Restrictions&>(a) == b && a.certificate == b.certificate;
}

std::optional<GrantLost> lost_key(const Config& config, const mux::Admission& client, const std::atomic<bool>& given_up) {
  const auth::KeyQuery query{client.user, client.key, client.source.address, std::chrono::system_clock::now(), {}};
  const KeyVerdict verdict = identity::look_up_key(config, query, given_up);
  if (!verdict.grant) return lost(verdict.refusal);
  if (!bind_alike(*verdict.grant, client.grant)) return lost("the key has other options now");
  return std::nullopt;
}

/// A password or a code was asked for, and there are files that say who has one.
std::optional<GrantLost> lost_secret(const AuthSettings& settings, const mux::Admission& client) {
  const bool questions = has_passed(client.method, "keyboard-interactive");
  const bool password = has_passed(client.method, "password");
  bool found = false;
  if (!settings.password_file.empty()) {
    const auto text = auth::read_secret_file(settings.password_file);
    if (!text) return lost(text.error().detail);
    found = auth::has_password(text->view(), client.user);
    if (password && !found) return lost("the user has no password any more");
  }
  if (questions && !settings.totp_file.empty()) {
    const auto text = auth::read_secret_file(settings.totp_file);
    if (!text) return lost(text.error().detail);
    const auto secret = auth::find_totp_secret(text->view(), client.user);
    found = found || (secret && *secret);
    if (client.mfa && !(secret && *secret)) return lost("the user has no one-time codes any more");
  }
  if (questions && settings.pam_service.empty() && !found) return lost("the user has neither password nor codes any more");
  return std::nullopt;
}

/// Where the rules of a decision lead, each of them; none: nowhere.
std::vector<std::optional<ResolvedTarget>> rights_of(const route::Decision& decision) {
  std::vector<std::optional<ResolvedTarget>> rights{rights_at(decision.target)};
  const std::string_view asked = decision.query.target ? std::string_view(*decision.query.target) : "";
  for (const ChannelRule& rule : decision.route().channels) {
    if (!rule.to) continue;
    const Target* target = route::target_named(*decision.config, *rule.to, decision.query.target);
    const auto resolved = target == nullptr
                              ? Result<ResolvedTarget>(fail(Errc::denied, "none"))
                              : resolve_target(*decision.config, *target, decision.route().options, {decision.query.user, asked});
    rights.push_back(resolved ? std::optional(rights_at(*resolved)) : std::nullopt);
  }
  return rights;
}

std::optional<GrantLost> lost_route(const std::shared_ptr<const Config>& config, const mux::Admission& client) {
  if (!client.decision) return std::nullopt;  // it has no way to lose
  const auto now = route::Router(config).route(client.decision->query);
  if (!now) return GrantLost{std::string(kTold) + ": " + now.error().detail, now.error().detail};
  const Route& before = client.decision->route();
  const Route& after = now->route();
  if (before.channels != after.channels || before.require != after.require) return lost("the route has other rules now");
  if (rights_of(*client.decision) != rights_of(*now)) return lost("the route leads elsewhere now, or gives other rights");
  return std::nullopt;
}

}  // namespace

std::optional<GrantLost> lost_grant(const std::shared_ptr<const Config>& config, const mux::Admission& client,
                                    const std::atomic<bool>& given_up) {
  if (!is_complete(config->auth, client.method)) return lost("auth.methods has no such way any more: " + client.method);
  if (auto why = lost_route(config, client)) return why;
  if (auto why = lost_secret(config->auth, client)) return why;
  if (client.key.empty()) return std::nullopt;
  return lost_key(*config, client, given_up);
}

void Recheck::begin(std::shared_ptr<const Config> config) {
  config_ = std::move(config);
  const std::vector<ConnectionId> all = hub_.connection_ids();
  waiting_.assign(all.begin(), all.end());
  next();
}

void Recheck::add(ConnectionId id) {
  if (config_ == nullptr) return;
  waiting_.push_back(id);
  next();
}

void Recheck::end(const mux::Admission& client, const GrantLost& why) {
  hub_.end_connection(client.id, why.told, [&journal = journal_, client, detail = why.detail](const Result<>& ended) {
    if (ended) journal.tell(facts::GrantLost{client.who(), detail});
  });
}

void Recheck::next() {
  if (work_ != nullptr) return;
  const mux::Admission* client = nullptr;
  while (client == nullptr && !waiting_.empty()) {
    client = hub_.client(waiting_.front());
    waiting_.pop_front();
  }
  if (client == nullptr) return;
  struct Job {
    std::shared_ptr<const Config> config;
    mux::Admission client;
    std::shared_ptr<const std::atomic<bool>> given_up;
    std::optional<GrantLost> why;
  };
  auto job = std::make_shared<Job>();
  job->config = config_;
  job->client = *client;
  job->client.held.clear();  // what it takes up isn't the copy's
  job->client.password = nullptr;
  job->given_up = given_up_;
  work_ = loop_.work([job] { job->why = lost_grant(job->config, job->client, *job->given_up); },
                     [this, job] {
                       work_.reset();
                       // After another reload it waits for its turn again.
                       if (job->config == config_ && job->why) end(job->client, *job->why);
                       next();
                     });
}

}  // namespace sallyport::entry

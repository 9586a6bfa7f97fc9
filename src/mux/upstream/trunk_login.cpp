#include "mux/upstream/trunk_login.hpp"

#include <algorithm>
#include <utility>

#include "mux/upstream/pool_parts.hpp"
#include "mux/upstream/pooled_trunk.hpp"
#include "route/forwarding.hpp"
#include "route/resolved_target.hpp"

namespace sallyport::mux {

std::string address_of(const ResolvedTarget& target) { return route::Destination::of_port(target.host, target.port).text(); }

TrunkLogin::TrunkLogin(PoolParts& parts, const TrunkIdentity& trunk, TrunkLoginEvents& owner)
    : parts_(parts), trunk_(trunk), owner_(owner) {}

TrunkLogin::~TrunkLogin() = default;

// --- the way there -----------------------------------------------------------------------------------------------

bool TrunkLogin::begin() {
  const ResolvedTarget& target = trunk_.target();
  const std::string& user = trunk_.access.key.user;
  turn_ = parts_.logins.ask(address_of(target) + " " + path_of(target), user, [this] { on_turn(); });
  if (turn_->has_come()) {
    log_in();
    return true;
  }
  parts_.journal.tell(facts::TrunkWaiting{trunk_.which()});
  deadline_ = parts_.clock.after(target.options.connect_timeout, [this] {
    fail({Errc::limit, "target " + trunk_.target().name + " can't be reached: too many logins there at the same time",
          "no turn to log in within connect_timeout"});
  });
  return false;
}

void TrunkLogin::on_turn() {
  deadline_.reset();
  // Others of this key may have been refused meanwhile.
  if (const auto pause = parts_.breaker.pause_of(trunk_.access.key, trunk_.access.client.connection))
    return fail({Errc::limit, pause->told + "; next attempt in " + in_seconds(pause->left), pause->told});
  owner_.tell(&TrunkLoginEvents::on_login_turn);
  log_in();
}

void TrunkLogin::log_in() {
  connected_by_ = parts_.clock.now() + trunk_.target().options.connect_timeout;
  parts_.journal.tell(facts::TrunkConnecting{trunk_.which()});
  if (!trunk_.target().via) {
    attempt_ = parts_.connector.connect(trunk_.target(), trunk_.access.client, *this);
    return;
  }
  limit_hop();
  hop_ = std::make_unique<Hop>(parts_, trunk_.access, static_cast<HopEvents&>(*this), static_cast<HopLossEvents&>(*this));
}

void TrunkLogin::limit_hop() {
  deadline_ = parts_.clock.after(connected_by_ + kLoginTime - parts_.clock.now(),
                                 [this] { on_hop_failed(Told("via " + trunk_.target().via->name + ": no connection in time")); });
}

void TrunkLogin::on_hop_ready() {
  deadline_.reset();
  asker_ = nullptr;
  // connect_timeout is for the whole way, but for a login on it that took its time, or asked a person.
  ResolvedTarget target = trunk_.target();
  const Duration left = connected_by_ - parts_.clock.now();
  if (left > Duration::zero()) target.options.connect_timeout = std::min(left, target.options.connect_timeout);
  attempt_ = hop_->connect(target, trunk_.access.client, *this);
}

void TrunkLogin::on_hop_failed(Told told) {
  const std::string text(told.text());
  fail({Errc::unavailable, "target " + trunk_.target().name + " can't be reached: " + text, text});
}

// --- what it needs of a client -----------------------------------------------------------------------------------

void TrunkLogin::on_agent_wanted(UpstreamAnswers& to) {
  asker_ = &to;
  if (opener_ == nullptr) return to.refuse_agent("the client that it was for has gone");
  opener_->helper().on_agent_wanted(*opener_);
}

void TrunkLogin::on_question(UpstreamAnswers& to, const UpstreamQuestion& question) {
  // Where there is nothing to answer, nobody need be there to do so.
  if (opener_ == nullptr && question.prompts.empty()) return to.answer({});
  asker_ = &to;
  if (opener_ == nullptr) return to.refuse_answer("it asks a question, and the client that it was for has gone");
  // Whoever thinks about the answer doesn't keep others from logging in there.
  turn_.reset();
  answer_until_ = parts_.clock.now() + kAnswerTime;
  connected_by_ = answer_until_ + trunk_.target().options.connect_timeout;
  if (!question.prompts.empty()) {
    asked_ = true;
    asked_client_ = opener_->client();
  }
  if (deadline_ != nullptr) limit_hop();
  opener_->helper().on_question(*opener_, question);
}

void TrunkLogin::forget(const TrunkWaiter& waiter) {
  if (&waiter != opener_) return;
  opener_ = nullptr;
  if (asker_ == nullptr) return;
  asker_->refuse_agent("the client has gone");
  asker_->refuse_answer("the question that it asks was not answered");
}

void TrunkLogin::forget_helper() {
  opener_ = nullptr;
  asker_ = nullptr;
}

bool TrunkLogin::awaits_answer() const { return parts_.clock.now() < answer_until_; }

bool TrunkLogin::serves(const std::optional<ConnectionId>& client) const {
  if (!asked_ || trunk_.target().options.reuse_after_mfa != Duration::zero()) return true;
  return client && asked_client_ == client;
}

// --- its end -----------------------------------------------------------------------------------------------------

void TrunkLogin::on_connected(std::unique_ptr<Transport> transport) {
  if (owner_.is_over()) return parts_.graveyard.bury(std::move(transport));
  forget_helper();
  parts_.graveyard.bury(std::move(attempt_));
  LoggedIn login{std::move(transport), std::move(turn_), nullptr, answered()};
  login.hop = std::move(hop_);
  owner_.end(&TrunkLoginEvents::on_logged_in, std::move(login));
}

AnsweredLogins TrunkLogin::answered() const {
  AnsweredLogins answered;
  if (const auto reuse = trunk_.target().options.reuse_after_mfa; asked_ && reuse)
    answered.add(asked_client_, parts_.clock.now() + *reuse);
  if (const PooledTrunk* const through = via() ? parts_.pool.pooled(*via()) : nullptr) answered.add(through->answered());
  return answered;
}

void TrunkLogin::on_connect_failed(const UpstreamFailure& why) { fail(why); }

void TrunkLogin::fail(const UpstreamFailure& why) {
  if (owner_.is_over()) return;
  const bool never_there = why.code == Errc::refused || why.code == Errc::not_found;
  if (turn_ != nullptr && never_there) turn_->note_settled();
  stop();
  parts_.graveyard.bury(std::move(attempt_));
  owner_.end(&TrunkLoginEvents::on_login_failed, why);
}

void TrunkLogin::stop() {
  turn_.reset();
  deadline_.reset();
  forget_helper();
}

void TrunkLogin::give_up() {
  owner_.drop();
  stop();
  attempt_.reset();
}

void TrunkLogin::part() {
  forget_helper();  // who has asked may be the hop's wish, which goes
  if (hop_ != nullptr) hop_->part();
}

}  // namespace sallyport::mux

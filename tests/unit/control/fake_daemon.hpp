// The daemon's ports with a script, and a clock that stands still.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/connections.hpp>

namespace sallyport::control {

class StoppedClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(std::chrono::hours(100)); }
  std::chrono::system_clock::time_point wall_time() const override { return {}; }
  std::unique_ptr<Timer> after(Duration, std::function<void()>) override { return nullptr; }
};

class FakeDaemon final : public Connections, public DaemonControl {
 public:
  void counts(Done<OpenCounts> done) override {
    answer(std::move(done), OpenCounts{connections_.size(), channels_.size(), trunks_.size(), forwards_.size()});
  }
  void connections(Done<std::vector<ConnectionRow>> done) override { list(std::move(done), connections_); }
  void channels(Done<std::vector<ChannelRow>> done) override { list(std::move(done), channels_); }
  void trunks(Done<std::vector<TrunkRow>> done) override { list(std::move(done), trunks_); }
  void forwards(Done<std::vector<ForwardRow>> done) override { list(std::move(done), forwards_); }
  void end_connection(ConnectionId id, std::string_view reason, Done<Result<>> done) override {
    answer(std::move(done), end('c', number(id), reason));
  }
  void end_connections_of(std::string_view user, std::string_view reason, Done<Result<std::size_t>> done) override {
    std::size_t count = 0;
    for (const ConnectionRow& row : connections_)
      if (row.user == user && end('c', number(row.id), reason)) ++count;
    answer(std::move(done), count > 0 ? Result<std::size_t>(count) : fail(Errc::not_found, "no such"));
  }
  void end_channel(ChannelId id, std::string_view reason, Done<Result<>> done) override {
    answer(std::move(done), end('h', number(id), reason));
  }
  void stop_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) override {
    answer(std::move(done), change("stop", which, reason));
  }
  void end_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) override {
    answer(std::move(done), change("end", which, reason));
  }
  void renew_trunks(const TrunkSelection& which, std::string_view reason, Done<Result<std::size_t>> done) override {
    answer(std::move(done), change("renew", which, reason));
  }
  void check_trunks(const TrunkSelection& which, Done<TargetCheck> done) override {
    answer(std::move(done), has_trunks(which) ? check_ : TargetCheck{});
  }

  DaemonStatus status() const override { return status_; }
  std::vector<std::string> targets() const override { return {"db1", "web1", "web9"}; }
  void reload(std::function<void(Result<>)> done) override { reloading_ = std::move(done); }
  void drain() override { draining_ = true; }
  Result<ExplainAnswer> explain(std::string_view query) const override {
    if (query == "bad") return fail(Errc::config, "no user= in the query");
    return ExplainAnswer{"route: web\nasked: " + std::string(query) + "\n", R"({"route":"web"})"};
  }

  std::vector<PenaltyRow> penalties() const override { return penalties_; }
  std::size_t lift_penalties(std::string_view source) override {
    const std::size_t before = penalties_.size();
    std::erase_if(penalties_, [source](const PenaltyRow& row) { return source == "all" || row.source == source; });
    return before - penalties_.size();
  }

  /// What Connections was asked for while it answers later.
  void answer_now() {
    for (const auto& one : std::exchange(later_, {})) one();
  }

  void scan(const std::string& target, const std::string& user,
            std::function<void(Result<std::vector<ScannedKey>>)> done) override {
    if (target != "web1") return done(fail(Errc::not_found, "there is no target \"" + target + "\""));
    done(std::vector<ScannedKey>{{"ssh-ed25519", "SHA256:abc", "web1 ssh-ed25519 AAAA" + user}});
  }

  std::vector<PenaltyRow> penalties_;
  std::vector<ConnectionRow> connections_;
  std::vector<ChannelRow> channels_;
  std::vector<TrunkRow> trunks_;
  std::vector<ForwardRow> forwards_;
  DaemonStatus status_;
  TargetCheck check_;
  std::vector<std::string> ended_;
  int listed_ = 0;              ///< how often rows have been asked for
  bool answers_later_ = false;  ///< as one that has to ask somebody; see answer_now()
  std::function<void(Result<>)> reloading_;
  bool draining_ = false;

 private:
  template <typename Row>
  void list(Done<std::vector<Row>> done, const std::vector<Row>& rows) {
    ++listed_;
    answer(std::move(done), rows);
  }
  template <typename Answer>
  void answer(Done<Answer> done, Answer answer) {
    if (!answers_later_) return done(std::move(answer));
    later_.push_back([done = std::move(done), answer = std::move(answer)] { done(answer); });
  }
  Result<> end(char letter, std::uint64_t number, std::string_view reason) {
    if (number >= 100) return fail(Errc::not_found, "no such");
    ended_.push_back(letter + std::to_string(number) + " " + std::string(reason));
    return {};
  }
  /// To "web9", which is a target, there is none.
  bool has_trunks(const TrunkSelection& which) const {
    const std::vector<std::string> names = targets();
    return which.target != "web9" && std::find(names.begin(), names.end(), which.target) != names.end();
  }
  Result<std::size_t> change(const char* what, const TrunkSelection& which, std::string_view reason) {
    if (!has_trunks(which)) return fail(Errc::not_found, "no such");
    ended_.push_back(std::string(what) + " " + which.target + "/" + which.user + " " + std::string(reason));
    return std::size_t{2};
  }

  std::vector<std::function<void()>> later_;
};

}  // namespace sallyport::control

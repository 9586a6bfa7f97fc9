// The daemon's ports with a script, and a clock that stands still.
#pragma once

#include <algorithm>
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
  std::vector<ConnectionRow> connections() const override { return connections_; }
  std::vector<ChannelRow> channels() const override { return channels_; }
  std::vector<TrunkRow> trunks() const override { return trunks_; }
  std::vector<ForwardRow> forwards() const override { return forwards_; }
  Result<> end_connection(ConnectionId id, std::string_view reason) override {
    if (number(id) >= 100) return fail(Errc::not_found, "no such");
    ended_.push_back("c" + std::to_string(number(id)) + " " + std::string(reason));
    return {};
  }
  Result<> end_channel(ChannelId id, std::string_view reason) override {
    if (number(id) >= 100) return fail(Errc::not_found, "no such");
    ended_.push_back("h" + std::to_string(number(id)) + " " + std::string(reason));
    return {};
  }
  Result<std::size_t> stop_trunks(const TrunkSelection& which, std::string_view reason) override {
    return change("stop", which, reason);
  }
  Result<std::size_t> end_trunks(const TrunkSelection& which, std::string_view reason) override {
    return change("end", which, reason);
  }
  Result<std::size_t> renew_trunks(const TrunkSelection& which, std::string_view reason) override {
    return change("renew", which, reason);
  }
  void check_trunks(const TrunkSelection& which, std::function<void(TargetCheck)> done) override {
    done(has_trunks(which) ? check_ : TargetCheck{});
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
  std::function<void(Result<>)> reloading_;
  bool draining_ = false;

 private:
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
};

}  // namespace sallyport::control

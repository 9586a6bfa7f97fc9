// A journal that keeps what it is told of clients and targets, a line each.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sallyport/journal.hpp>

namespace sallyport::fakes {

class RecordingJournal final : public Journal {
 public:
  std::vector<std::string> lines;
  std::vector<std::string> states;        // of channels, in the order in which they changed
  std::vector<std::string> trunk_states;  // of trunks, and of wishes for them
  std::vector<std::string> phases;        // of sessions, likewise
  bool is_healthy = true;

  /// Whether some line holds `part`.
  bool has(std::string_view part) const {
    for (const std::string& line : lines)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }

  void tell(const Fact& fact) override {
    std::visit([this](const auto& one) { note(one); }, fact);
  }
  bool healthy() const override { return is_healthy; }
  bool follows_steps() const override { return true; }

 private:
  using Text = std::string;

  void note(const facts::ChannelOpened& fact) { add("opened h", number(fact.channel), fact.type); }
  void note(const facts::ChannelOpenRefused& fact) {
    add("open refused c", number(fact.client.id), Text(fact.type) + ": " + Text(fact.why));
  }
  void note(const facts::ProgramStarted& fact) {
    add("started h", number(fact.ids.channel), Text(fact.request) + " " + Text(fact.command) + " at " + Text(fact.target));
  }
  void note(const facts::ProgramRefused& fact) {
    add("refused h", number(fact.ids.channel), Text(fact.told) + (fact.told == fact.why ? "" : ": " + Text(fact.why)));
  }
  void note(const facts::RequestRefused& fact) {
    add(fact.ids ? "request refused h" : "request refused c", fact.ids ? number(fact.ids->channel) : number(fact.client.id),
        Text(fact.request) + ": " + Text(fact.why));
  }
  void note(const facts::ProgramFailed& fact) { add("failed h", number(fact.ids.channel), fact.why); }
  void note(const facts::ProgramEnded& fact) {
    add("ended h", number(fact.ids.channel), fact.status ? std::to_string(*fact.status) : Text(fact.signal));
  }
  void note(const facts::ForwardOpened& fact) {
    add("forwarding h", number(fact.ids.channel), Text(fact.type) + " " + Text(fact.destination) + " by " + Text(fact.target));
  }
  void note(const facts::ForwardRefused& fact) {
    add("forward refused h", number(fact.ids.channel), Text(fact.type) + " " + Text(fact.destination) + ": " + Text(fact.why));
  }
  void note(const facts::RemoteForwardListening& fact) {
    add("listening f", number(fact.forward.id), fact.forward.listen + " at " + Text(fact.forward.target));
  }
  void note(const facts::RemoteForwardRefused& fact) {
    add("not listening c", number(fact.client.id), Text(fact.request) + " " + Text(fact.listen) + ": " + Text(fact.why));
  }
  void note(const facts::RemoteForwardEnded& fact) { add("no longer listening f", number(fact.forward.id), fact.why); }
  void note(const facts::ChannelIdle& fact) { add("idle h", number(fact.ids.channel), fact.kind); }
  void note(const facts::ChannelClosed& fact) {
    add("closed h", number(fact.ids.channel),
        std::to_string(fact.bytes_from_client) + "/" + std::to_string(fact.bytes_to_client));
  }
  void note(const facts::ClientViolation& fact) { add("violation c", number(fact.client.id), fact.what); }
  void note(const facts::ClientMessageIgnored& fact) {
    add("ignored c", number(fact.client.id), Text(fact.what) + " " + std::to_string(fact.count));
  }
  void note(const facts::ConnectionClosed& fact) { add("connection closed c", number(fact.client.id), fact.why.detail); }
  void note(const facts::TrunkWaiting& fact) { add("waiting t", fact.trunk, whose(fact.trunk)); }
  void note(const facts::LoginsPaused& fact) {
    add("paused t", fact.trunk, whose(fact.trunk) + " " + std::to_string(fact.pause.count()));
  }
  void note(const facts::TrunkSilent& fact) { add("silent t", fact.trunk, ""); }
  void note(const facts::TrunkConnecting& fact) { add("connecting t", fact.trunk, whose(fact.trunk)); }
  void note(const facts::TrunkReady& fact) { add("ready t", fact.trunk, ""); }
  void note(const facts::TrunkFailed& fact) { add("failed t", fact.trunk, fact.why); }
  void note(const facts::TrunkUnquestioned& fact) { add("unquestioned t", fact.trunk, ""); }
  void note(const facts::TrunkFull& fact) { add("full t", fact.trunk, std::to_string(fact.sessions)); }
  void note(const facts::TrunkDraining& fact) { add("draining t", fact.trunk, fact.why); }
  void note(const facts::TargetOpenRefused& fact) {
    add("target's open refused t", fact.trunk, Text(fact.type) + ": " + Text(fact.why));
  }
  void note(const facts::TargetRequestRefused& fact) {
    add("target request refused t", fact.trunk, Text(fact.request) + ": " + Text(fact.why));
  }
  void note(const facts::TargetViolation& fact) { add("violation t", fact.trunk, fact.what); }
  void note(const facts::TargetMessageIgnored& fact) {
    add("ignored t", fact.trunk, Text(fact.what) + " " + std::to_string(fact.count));
  }
  void note(const facts::TrunkClosed& fact) { add("trunk closed t", fact.trunk, fact.why.detail); }
  void note(const facts::ClientChannelStep& fact) {
    states.push_back("client " + std::to_string(number(fact.number)) + " " + step(fact.from, fact.to));
  }
  void note(const facts::SessionStep& fact) {
    phases.push_back("s" + std::to_string(number(fact.ids.channel)) + " " + step(fact.from, fact.to));
  }
  void note(const facts::TrunkChannelStep& fact) {
    states.push_back("t" + std::to_string(number(fact.trunk.id)) + " " + std::to_string(number(fact.number)) + " " +
                     step(fact.from, fact.to));
  }
  void note(const facts::TrunkStep& fact) {
    trunk_states.push_back("t" + std::to_string(number(fact.trunk.id)) + " " + step(fact.from, fact.to));
  }
  void note(const facts::TrunkWishStep& fact) {
    trunk_states.push_back("c" + (fact.client ? std::to_string(number(*fact.client)) : "-") + " " + Text(fact.target) + " " +
                           step(fact.from, fact.to));
  }
  /// Logins and the daemon: their tests look at the log and the audit trail.
  template <typename Fact>
  void note(const Fact& /*fact*/) {}

  static Text step(std::string_view from, std::string_view to) { return Text(from) + " -> " + Text(to); }
  static Text whose(const facts::Trunk& trunk) { return Text(trunk.user) + " " + Text(trunk.target); }
  void add(std::string_view what, const facts::Trunk& trunk, std::string_view rest) { add(what, number(trunk.id), rest); }
  void add(std::string_view what, std::uint64_t id, std::string_view rest) {
    lines.push_back(Text(what) + std::to_string(id) + " " + Text(rest));
  }
};

}  // namespace sallyport::fakes

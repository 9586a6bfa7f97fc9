// A journal that keeps what it is told, a line each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mux/admission/journal.hpp"

namespace sallyport::fakes {

class RecordingJournal final : public mux::Journal {
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

  bool healthy() const override { return is_healthy; }
  void channel_opened(const mux::Admission&, ChannelId id, std::string_view type) override { add("opened h", number(id), type); }
  void channel_open_refused(const mux::Admission& client, std::string_view type, std::string_view why) override {
    add("open refused c", number(client.id), std::string(type) + ": " + std::string(why));
  }
  void program_started(const mux::Admission&, const mux::ChannelIds& ids, std::string_view request, std::string_view command,
                       std::string_view target) override {
    add("started h", number(ids.channel), std::string(request) + " " + std::string(command) + " at " + std::string(target));
  }
  void program_refused(const mux::Admission&, const mux::ChannelIds& ids, std::string_view, std::string_view,
                       std::string_view told, std::string_view why) override {
    add("refused h", number(ids.channel), std::string(told) + (told == why ? "" : ": " + std::string(why)));
  }
  void request_refused(const mux::Admission& client, const std::optional<mux::ChannelIds>& ids, std::string_view request,
                       std::string_view why) override {
    add(ids ? "request refused h" : "request refused c", ids ? number(ids->channel) : number(client.id),
        std::string(request) + ": " + std::string(why));
  }
  void program_failed(const mux::Admission&, const mux::ChannelIds& ids, std::string_view, std::string_view,
                      std::string_view why) override {
    add("failed h", number(ids.channel), why);
  }
  void program_ended(const mux::Admission&, const mux::ChannelIds& ids, std::optional<std::uint32_t> status,
                     std::string_view signal) override {
    add("ended h", number(ids.channel), status ? std::to_string(*status) : std::string(signal));
  }
  void forward_opened(const mux::Admission&, const mux::ChannelIds& ids, std::string_view type, std::string_view destination,
                      std::string_view target) override {
    add("forwarding h", number(ids.channel), std::string(type) + " " + std::string(destination) + " by " + std::string(target));
  }
  void forward_refused(const mux::Admission&, const mux::ChannelIds& ids, std::string_view type, std::string_view destination,
                       std::string_view why) override {
    add("forward refused h", number(ids.channel), std::string(type) + " " + std::string(destination) + ": " + std::string(why));
  }
  void remote_forward_listening(const mux::Admission&, const mux::RemoteForwardFacts& forward) override {
    add("listening f", number(forward.id), forward.listen + " at " + std::string(forward.target));
  }
  void remote_forward_refused(const mux::Admission& client, std::string_view request, std::string_view listen,
                              std::string_view why) override {
    add("not listening c", number(client.id), std::string(request) + " " + std::string(listen) + ": " + std::string(why));
  }
  void remote_forward_ended(const mux::Admission&, const mux::RemoteForwardFacts& forward, std::string_view why) override {
    add("no longer listening f", number(forward.id), why);
  }
  void channel_idle(const mux::Admission&, const mux::ChannelIds& ids, std::string_view kind, Duration) override {
    add("idle h", number(ids.channel), kind);
  }
  void channel_closed(const mux::Admission&, const mux::ChannelIds& ids, std::uint64_t from, std::uint64_t to,
                      Duration) override {
    add("closed h", number(ids.channel), std::to_string(from) + "/" + std::to_string(to));
  }
  void connection_violation(const mux::Admission& client, std::string_view what) override {
    add("violation c", number(client.id), what);
  }
  void message_ignored(const mux::Admission& client, std::string_view what, std::uint64_t count) override {
    add("ignored c", number(client.id), std::string(what) + " " + std::to_string(count));
  }
  void connection_closed(const mux::Admission& client, const Error& why, std::uint64_t, std::uint64_t, Duration) override {
    add("connection closed c", number(client.id), why.detail);
  }
  void trunk_waiting(TrunkId id, std::string_view user, std::string_view target) override {
    add("waiting t", number(id), std::string(user) + " " + std::string(target));
  }
  void logins_paused(TrunkId id, std::string_view user, std::string_view target, Duration pause) override {
    add("paused t", number(id), std::string(user) + " " + std::string(target) + " " + std::to_string(pause.count()));
  }
  void trunk_silent(TrunkId id) override { add("silent t", number(id), ""); }
  void trunk_connecting(TrunkId id, std::string_view user, std::string_view target) override {
    add("connecting t", number(id), std::string(user) + " " + std::string(target));
  }
  void trunk_ready(TrunkId id, Duration) override { add("ready t", number(id), ""); }
  void trunk_failed(TrunkId id, std::string_view detail) override { add("failed t", number(id), detail); }
  void trunk_unquestioned(TrunkId id) override { add("unquestioned t", number(id), ""); }
  void trunk_full(TrunkId id, std::size_t sessions) override { add("full t", number(id), std::to_string(sessions)); }
  void trunk_draining(TrunkId id, std::string_view why) override { add("draining t", number(id), why); }
  void target_open_refused(TrunkId trunk, std::string_view type, std::string_view why) override {
    add("target's open refused t", number(trunk), std::string(type) + ": " + std::string(why));
  }
  void target_request_refused(TrunkId trunk, std::string_view request, std::string_view why) override {
    add("target request refused t", number(trunk), std::string(request) + ": " + std::string(why));
  }
  void trunk_violation(TrunkId id, std::string_view what) override { add("violation t", number(id), what); }
  void target_message_ignored(TrunkId id, std::string_view what, std::uint64_t count) override {
    add("ignored t", number(id), std::string(what) + " " + std::to_string(count));
  }
  void trunk_closed(TrunkId id, const Error& why) override { add("trunk closed t", number(id), why.detail); }
  void client_channel_changed(const mux::Admission&, LocalChannel channel, std::string_view from, std::string_view to) override {
    states.push_back("client " + std::to_string(number(channel)) + " " + std::string(from) + " -> " + std::string(to));
  }
  void session_changed(const mux::Admission&, const mux::ChannelIds& ids, std::string_view from, std::string_view to) override {
    phases.push_back("s" + std::to_string(number(ids.channel)) + " " + std::string(from) + " -> " + std::string(to));
  }
  void trunk_channel_changed(TrunkId trunk, LocalChannel channel, std::string_view from, std::string_view to) override {
    states.push_back("t" + std::to_string(number(trunk)) + " " + std::to_string(number(channel)) + " " + std::string(from) +
                     " -> " + std::string(to));
  }
  void trunk_changed(TrunkId trunk, std::string_view from, std::string_view to) override {
    trunk_states.push_back("t" + std::to_string(number(trunk)) + " " + std::string(from) + " -> " + std::string(to));
  }
  void trunk_wish_changed(std::string_view, const std::optional<ConnectionId>& client, std::string_view target,
                          std::string_view from, std::string_view to) override {
    trunk_states.push_back("c" + (client ? std::to_string(number(*client)) : "-") + " " + std::string(target) + " " +
                           std::string(from) + " -> " + std::string(to));
  }

 private:
  void add(std::string_view what, std::uint64_t id, std::string_view rest) {
    lines.push_back(std::string(what) + std::to_string(id) + " " + std::string(rest));
  }
};

}  // namespace sallyport::fakes

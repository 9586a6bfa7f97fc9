// The multiplexer's facts as log lines and audit events.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "log/records.hpp"
#include "mux/admission/journal.hpp"

namespace sallyport::app {

/// One line a fact, ids first; the events channel, exec, forward, refuse, exit and close go to the audit trail. Programs and
/// forwarded connections that begin, and connections that end, are always written; all else has the rates of log::Records.
class LogJournal final : public mux::Journal {
 public:
  /// `records` outlive the journal.
  explicit LogJournal(log::Records& records) : records_(records) {}

  bool healthy() const override { return records_.audit().healthy(); }
  void channel_opened(const mux::Admission& client, ChannelId channel, std::string_view type) override;
  void channel_open_refused(const mux::Admission& client, std::string_view type, std::string_view why) override;
  void program_started(const mux::Admission& client, const mux::ChannelIds& ids, std::string_view request,
                       std::string_view command, std::string_view target) override;
  void program_refused(const mux::Admission& client, const mux::ChannelIds& ids, std::string_view request,
                       std::string_view command, std::string_view told, std::string_view why) override;
  void request_refused(const mux::Admission& client, const std::optional<mux::ChannelIds>& ids, std::string_view request,
                       std::string_view why) override;
  void program_failed(const mux::Admission& client, const mux::ChannelIds& ids, std::string_view request,
                      std::string_view command, std::string_view why) override;
  void program_ended(const mux::Admission& client, const mux::ChannelIds& ids, std::optional<std::uint32_t> status,
                     std::string_view signal) override;
  void forward_opened(const mux::Admission& client, const mux::ChannelIds& ids, std::string_view type,
                      std::string_view destination, std::string_view target) override;
  void forward_refused(const mux::Admission& client, const mux::ChannelIds& ids, std::string_view type,
                       std::string_view destination, std::string_view why) override;
  void remote_forward_listening(const mux::Admission& client, const mux::RemoteForwardFacts& forward) override;
  void remote_forward_refused(const mux::Admission& client, std::string_view request, std::string_view listen,
                              std::string_view why) override;
  void remote_forward_ended(const mux::Admission& client, const mux::RemoteForwardFacts& forward, std::string_view why) override;
  void channel_idle(const mux::Admission& client, const mux::ChannelIds& ids, std::string_view kind, Duration timeout) override;
  void channel_closed(const mux::Admission& client, const mux::ChannelIds& ids, std::uint64_t bytes_from_client,
                      std::uint64_t bytes_to_client, Duration open_for) override;
  void connection_violation(const mux::Admission& client, std::string_view what) override;
  void message_ignored(const mux::Admission& client, std::string_view what, std::uint64_t count) override;
  void connection_closed(const mux::Admission& client, const Error& why, std::uint64_t bytes_from_client,
                         std::uint64_t bytes_to_client, Duration open_for) override;
  void trunk_waiting(TrunkId trunk, std::string_view user, std::string_view target) override;
  void logins_paused(TrunkId trunk, std::string_view user, std::string_view target, Duration pause) override;
  void trunk_silent(TrunkId trunk) override;
  void trunk_unquestioned(TrunkId trunk) override;
  void trunk_connecting(TrunkId trunk, std::string_view user, std::string_view target) override;
  void trunk_ready(TrunkId trunk, Duration took) override;
  void trunk_failed(TrunkId trunk, std::string_view detail) override;
  void trunk_full(TrunkId trunk, std::size_t sessions) override;
  void trunk_draining(TrunkId trunk, std::string_view why) override;
  void target_open_refused(TrunkId trunk, std::string_view type, std::string_view why) override;
  void target_request_refused(TrunkId trunk, std::string_view request, std::string_view why) override;
  void trunk_violation(TrunkId trunk, std::string_view what) override;
  void target_message_ignored(TrunkId trunk, std::string_view what, std::uint64_t count) override;
  void trunk_closed(TrunkId trunk, const Error& why) override;
  void client_channel_changed(const mux::Admission& client, LocalChannel channel, std::string_view from,
                              std::string_view to) override;
  void session_changed(const mux::Admission& client, const mux::ChannelIds& ids, std::string_view from,
                       std::string_view to) override;
  void trunk_channel_changed(TrunkId trunk, LocalChannel channel, std::string_view from, std::string_view to) override;
  void trunk_changed(TrunkId trunk, std::string_view from, std::string_view to) override;
  void trunk_wish_changed(std::string_view user, const std::optional<ConnectionId>& client, std::string_view target,
                          std::string_view from, std::string_view to) override;

 private:
  /// What is told of each step is worked out only if somebody follows them.
  bool traces() const { return records_.log().enabled(log::Level::trace); }
  std::string_view user_of(TrunkId trunk) const;

  log::Records& records_;
  std::map<TrunkId, std::string> users_;  // whose the trunks are that haven't ended
};

}  // namespace sallyport::app

#include "control/row_json.hpp"

#include <algorithm>
#include <string>

#include "log/logger.hpp"
#include "log/time_text.hpp"

namespace sallyport::control {
namespace {

void put_since(Json& json, TimePoint since, const Moment& moment) {
  const Duration age = std::max(moment.now - since, Duration::zero());
  json["since"] = log::time_text(moment.time_of_day - age);
  json["age_seconds"] = std::chrono::duration_cast<std::chrono::seconds>(age).count();
}

void put_bytes(Json& json, const ByteCounts& bytes) {
  json["bytes_in"] = bytes.in;
  json["bytes_out"] = bytes.out;
}

/// Bounds a command; a character that is cut in two is replaced when the line is made.
std::string listed(const std::string& command) {
  if (command.size() <= kListedCommandBytes) return command;
  return command.substr(0, kListedCommandBytes) + "…";
}

}  // namespace

Json to_json(const ScannedKey& key) {
  Json json;
  json["type"] = key.type;
  json["fingerprint"] = key.fingerprint;
  json["line"] = key.line;
  return json;
}

Json to_json(const ConnectionRow& row, const Moment& moment) {
  Json json;
  json["id"] = log::to_string(row.id);
  json["user"] = row.user;
  json["source"] = row.source;
  json["target"] = row.target;
  json["route"] = row.route;
  json["method"] = row.method;
  json["key_fingerprint"] = row.key_fingerprint;
  json["certificate"] = nullptr;
  if (row.certificate) {
    json["certificate"] = {
        {"key_id", row.certificate->key_id}, {"serial", row.certificate->serial}, {"ca", row.certificate->authority}};
  }
  json["channels"] = row.channels;
  put_bytes(json, row.bytes);
  put_since(json, row.since, moment);
  return json;
}

Json to_json(const PenaltyRow& row, const Moment&) {
  Json json;
  json["source"] = row.source;
  json["seconds_left"] = std::chrono::duration_cast<std::chrono::seconds>(row.left).count();
  json["active"] = row.active;
  json["reason"] = row.reason;
  json["offences"] = row.offences;
  return json;
}

Json to_json(const ChannelRow& row, const Moment& moment) {
  Json json;
  json["id"] = log::to_string(row.id);
  json["connection"] = log::to_string(row.connection);
  json["user"] = row.user;
  json["trunk"] = row.trunk ? Json(log::to_string(*row.trunk)) : Json(nullptr);
  json["target"] = row.target;
  json["type"] = row.type;
  json["request"] = row.request;
  json["command"] = listed(row.command);
  json["state"] = row.state;
  put_bytes(json, row.bytes);
  put_since(json, row.since, moment);
  return json;
}

Json to_json(const TrunkRow& row, const Moment& moment) {
  Json json;
  json["id"] = log::to_string(row.id);
  json["user"] = row.user;
  json["target"] = row.target;
  json["address"] = row.address;
  json["path"] = row.path;
  json["upstream_user"] = row.upstream_user;
  json["state"] = to_string(row.state);
  json["channels"] = row.channels;
  json["channel_limit"] = row.channel_limit;
  json["connections"] = row.connections;
  const Duration idle = row.idle_since ? std::max(moment.now - *row.idle_since, Duration::zero()) : Duration::zero();
  json["idle_seconds"] = row.idle_since ? Json(std::chrono::duration_cast<std::chrono::seconds>(idle).count()) : Json(nullptr);
  put_bytes(json, row.bytes);
  put_since(json, row.since, moment);
  return json;
}

Json to_json(const ForwardRow& row, const Moment& moment) {
  Json json;
  json["id"] = log::to_string(row.id);
  json["connection"] = log::to_string(row.connection);
  json["user"] = row.user;
  json["trunk"] = row.trunk ? Json(log::to_string(*row.trunk)) : Json(nullptr);
  json["target"] = row.target;
  json["listen"] = row.listen;
  json["state"] = row.state;
  json["connections"] = row.connections;
  put_since(json, row.since, moment);
  return json;
}

Json to_json(const TargetCheck& found, const Moment& moment) {
  Json json;
  bool healthy = false;
  bool silent = false;
  json["healthy"] = false;
  json["trunks"] = Json::array();
  for (const TrunkCheck& check : found.trunks) {
    Json row = to_json(check.row, moment);
    row["answers"] = check.asked ? Json(check.round_trip.has_value()) : Json(nullptr);
    row["round_trip_ms"] = check.round_trip ? Json(check.round_trip->count()) : Json(nullptr);
    json["trunks"].push_back(std::move(row));
    healthy = healthy || check.round_trip.has_value();
    silent = silent || (check.asked && !check.round_trip);
  }
  json["healthy"] = healthy && !silent;
  json["pauses"] = Json::array();
  for (const LoginPause& pause : found.pauses)
    json["pauses"].push_back(Json{
        {"user", pause.user}, {"seconds", std::chrono::ceil<std::chrono::seconds>(pause.left).count()}, {"reason", pause.told}});
  return json;
}

Json to_json(const DaemonStatus& status, const Moment& moment) {
  Json json;
  json["version"] = status.version;
  json["pid"] = status.pid;
  put_since(json, status.started, moment);
  json["config_file"] = status.config_file;
  json["config_loaded"] = log::time_text(status.config_loaded);
  json["listening"] = status.listening;
  json["draining"] = status.draining;
  json["connections_accepted"] = status.connections_accepted;
  json["logins_failed"] = status.logins_failed;
  return json;
}

std::string to_line(const Json& value) { return value.dump(-1, ' ', true, Json::error_handler_t::replace); }

}  // namespace sallyport::control

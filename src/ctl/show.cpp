#include "ctl/show.hpp"

#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "ctl/table.hpp"

namespace sallyport::ctl {
namespace {

using Json = nlohmann::ordered_json;

/// The member as a cell's text; "" for what is absent or of no type that a cell can have.
std::string text_of(const Json& row, const char* key) {
  const auto found = row.find(key);
  if (found == row.end()) return {};
  if (found->is_string()) return printable(found->get_ref<const std::string&>());
  if (found->is_number_unsigned()) return std::to_string(found->get<std::uint64_t>());
  return {};
}

std::uint64_t number_of(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string bytes_of(const Json& row, const char* key) { return short_bytes(number_of(row, key)); }
std::string age_of(const Json& row) { return short_duration(number_of(row, "age_seconds")); }

using MakeRow = std::vector<std::string> (*)(const Json&);

std::vector<std::string> connection_cells(const Json& row) {
  const auto certificate = row.find("certificate");
  const bool certified = certificate != row.end() && certificate->is_object();
  return {text_of(row, "id"),
          text_of(row, "user"),
          text_of(row, "source"),
          text_of(row, "target"),
          text_of(row, "route"),
          text_of(row, "channels"),
          bytes_of(row, "bytes_in"),
          bytes_of(row, "bytes_out"),
          age_of(row),
          certified ? text_of(*certificate, "key_id") : std::string()};
}

std::vector<std::string> channel_cells(const Json& row) {
  std::string what = text_of(row, "request");
  if (what.empty()) what = text_of(row, "type");
  const auto trunk = row.find("trunk");
  const bool on_trunk = trunk != row.end() && trunk->is_string();
  const std::string target = text_of(row, "target");
  std::string via = on_trunk ? text_of(row, "trunk") : std::string(target.empty() ? "" : "local");
  return {text_of(row, "id"),
          text_of(row, "connection"),
          std::move(via),
          text_of(row, "user"),
          target,
          std::move(what),
          text_of(row, "state"),
          bytes_of(row, "bytes_in"),
          bytes_of(row, "bytes_out"),
          age_of(row),
          text_of(row, "command")};
}

std::vector<std::string> trunk_cells(const Json& row) {
  const auto idle = row.find("idle_seconds");
  const bool is_idle = idle != row.end() && idle->is_number_unsigned();
  const std::string path = text_of(row, "path");
  return {text_of(row, "id"),
          text_of(row, "user"),
          text_of(row, "target"),
          text_of(row, "upstream_user") + "@" + text_of(row, "address") + (path.empty() ? "" : " (" + path + ")"),
          text_of(row, "state"),
          text_of(row, "channels") + "/" + text_of(row, "channel_limit"),
          text_of(row, "connections"),
          is_idle ? short_duration(idle->get<std::uint64_t>()) : std::string(),
          bytes_of(row, "bytes_in"),
          bytes_of(row, "bytes_out"),
          age_of(row)};
}

std::vector<std::string> forward_cells(const Json& row) {
  return {text_of(row, "id"),     text_of(row, "connection"), text_of(row, "trunk"),       text_of(row, "user"),
          text_of(row, "target"), text_of(row, "state"),      text_of(row, "connections"), age_of(row),
          text_of(row, "listen")};
}

Result<std::string> rows_text(const Json& result, const std::vector<Column>& columns, MakeRow cells) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& row : result) {
    if (!row.is_object()) return fail(Errc::protocol, "the daemon's answer makes no sense");
    rows.push_back(cells(row));
  }
  return table(columns, rows);
}

std::string status_text(const Json& result) {
  std::string listening;
  if (const auto found = result.find("listening"); found != result.end() && found->is_array()) {
    for (const Json& address : *found) {
      if (!address.is_string()) continue;
      if (!listening.empty()) listening += ", ";
      listening += printable(address.get_ref<const std::string&>());
    }
  }
  const auto draining = result.find("draining");
  const bool drains = draining != result.end() && draining->is_boolean() && draining->get<bool>();
  return fmt::format(
      "sallyportd {} is {}, process {}, up {}\n"
      "  listening      {}\n"
      "  configuration  {}, loaded {}\n"
      "  connections    {} open, {} accepted, {} failed logins\n"
      "  channels       {}\n"
      "  trunks         {}\n",
      text_of(result, "version"), drains ? "draining" : "running", text_of(result, "pid"), age_of(result),
      listening.empty() ? "nowhere" : listening, text_of(result, "config_file"), text_of(result, "config_loaded"),
      number_of(result, "connections"), number_of(result, "connections_accepted"), number_of(result, "logins_failed"),
      number_of(result, "channels"), number_of(result, "trunks"));
}

/// "2 trunks to go with their last channel\n"
std::string trunks_text(const Json& result, const char* key, std::string_view what) {
  const std::uint64_t count = number_of(result, key);
  return fmt::format("{} trunk{} {}\n", count, count == 1 ? "" : "s", what);
}

/// Of one connection or channel, or of all connections of a user.
std::string kill_text(const Json& result) {
  const std::string ended = text_of(result, "ended");
  const bool of_user = result.contains("ended") && result["ended"].is_number();
  return "ended " + ended + (of_user ? ended == "1" ? " connection" : " connections" : "") + "\n";
}

std::vector<std::string> check_cells(const Json& row) {
  const auto answers = row.find("answers");
  std::string answer;
  if (answers != row.end() && answers->is_boolean())
    answer = answers->get<bool>() ? text_of(row, "round_trip_ms") + " ms" : "no answer";
  return {text_of(row, "id"),    text_of(row, "user"),
          text_of(row, "state"), text_of(row, "channels") + "/" + text_of(row, "channel_limit"),
          std::move(answer),     age_of(row)};
}

const std::vector<Column> kCheckColumns = {{"ID"}, {"USER"}, {"STATE"}, {"CHANNELS", true}, {"ANSWER", true}, {"AGE", true}};

Result<std::string> check_text(const Json& result) {
  const Failure nonsense = fail(Errc::protocol, "the daemon's answer makes no sense");
  const auto trunks = result.find("trunks");
  const auto pauses = result.find("pauses");
  if (trunks == result.end() || !trunks->is_array() || pauses == result.end() || !pauses->is_array()) return nonsense;
  Result<std::string> text = trunks->empty() ? Result<std::string>("no trunk\n") : rows_text(*trunks, kCheckColumns, check_cells);
  if (!text) return text;
  for (const Json& pause : *pauses) {
    if (!pause.is_object()) return nonsense;
    *text += fmt::format("logins of {} are paused for {} s: {}\n", text_of(pause, "user"), text_of(pause, "seconds"),
                         text_of(pause, "reason"));
  }
  return text;
}

/// Lines that a known_hosts file takes as they are; the fingerprints are comments.
Result<std::string> scan_text(const Json& result) {
  const auto keys = result.find("keys");
  if (keys == result.end() || !keys->is_array()) return fail(Errc::protocol, "the daemon's answer makes no sense");
  std::string text;
  for (const Json& key : *keys) {
    if (!key.is_object()) return fail(Errc::protocol, "the daemon's answer makes no sense");
    text += fmt::format("# {} {}\n{}\n", text_of(key, "type"), text_of(key, "fingerprint"), text_of(key, "line"));
  }
  return text;
}

const std::vector<Column> kConnectionColumns = {{"ID"},        {"USER"},           {"FROM"},     {"TARGET"},
                                                {"ROUTE"},     {"CHANNELS", true}, {"IN", true}, {"OUT", true},
                                                {"AGE", true}, {"CERTIFICATE"}};
const std::vector<Column> kChannelColumns = {{"ID"},    {"CONN"},     {"VIA"},       {"USER"},      {"TARGET"}, {"REQUEST"},
                                             {"STATE"}, {"IN", true}, {"OUT", true}, {"AGE", true}, {"COMMAND"}};
const std::vector<Column> kTrunkColumns = {{"ID"},       {"USER"},           {"TARGET"},        {"LOGIN"},
                                           {"STATE"},    {"CHANNELS", true}, {"CLIENTS", true}, {"IDLE", true},
                                           {"IN", true}, {"OUT", true},      {"AGE", true}};

std::vector<std::string> penalty_cells(const Json& row) {
  const auto active = row.find("active");
  const bool is_active = active != row.end() && active->is_boolean() && active->get<bool>();
  return {text_of(row, "source"), is_active ? "kept out" : "counting", short_duration(number_of(row, "seconds_left")),
          text_of(row, "offences"), text_of(row, "reason")};
}

const std::vector<Column> kPenaltyColumns = {{"SOURCE"}, {"STATE"}, {"LEFT", true}, {"OFFENCES", true}, {"LAST"}};
const std::vector<Column> kForwardColumns = {
    {"ID"}, {"CONN"}, {"VIA"}, {"USER"}, {"TARGET"}, {"STATE"}, {"CONNECTIONS", true}, {"AGE", true}, {"LISTEN"}};

}  // namespace

std::string request_line(std::string_view verb, const std::vector<Member>& members) {
  Json request;
  request["verb"] = verb;
  for (const auto& [key, value] : members) request[std::string(key)] = value;
  return request.dump(-1, ' ', true, Json::error_handler_t::replace);
}

bool tells_of_trouble(std::string_view verb, std::string_view response) {
  if (verb != "check") return false;
  const Json parsed = Json::parse(response, nullptr, /*allow_exceptions=*/false);
  return !parsed.is_object() || !parsed.contains("result") || parsed["result"].value("healthy", Json(false)) != Json(true);
}

Result<std::string> show(std::string_view verb, std::string_view response, bool json) {
  const Failure nonsense = fail(Errc::protocol, "the daemon's answer makes no sense");
  const Json parsed = Json::parse(response, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return nonsense;
  const auto ok = parsed.find("ok");
  if (ok == parsed.end() || !ok->is_boolean()) return nonsense;
  if (!ok->get<bool>()) {
    const auto error = parsed.find("error");
    if (error == parsed.end() || !error->is_string()) return nonsense;
    return fail(Errc::denied, printable_lines(error->get_ref<const std::string&>()));
  }
  const auto result = parsed.find("result");
  if (result == parsed.end()) return nonsense;
  if (json) {
    const auto explanation = result->find("explanation");
    const Json& value = verb == "explain" && explanation != result->end() ? *explanation : *result;
    return value.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
  }
  if (verb == "penalties" && result->is_object()) {
    const std::uint64_t count = number_of(*result, "lifted");
    return fmt::format("{} penalt{} lifted\n", count, count == 1 ? "y" : "ies");
  }
  const bool is_list =
      verb == "penalties" || verb == "connections" || verb == "channels" || verb == "trunks" || verb == "forwards";
  if (is_list != result->is_array()) return nonsense;
  if (!is_list && !result->is_object()) return nonsense;
  if (verb == "penalties") return rows_text(*result, kPenaltyColumns, penalty_cells);
  if (verb == "connections") return rows_text(*result, kConnectionColumns, connection_cells);
  if (verb == "channels") return rows_text(*result, kChannelColumns, channel_cells);
  if (verb == "trunks") return rows_text(*result, kTrunkColumns, trunk_cells);
  if (verb == "forwards") return rows_text(*result, kForwardColumns, forward_cells);
  if (verb == "status") return status_text(*result);
  if (verb == "kill") return kill_text(*result);
  if (verb == "stop") return trunks_text(*result, "stopped", "stopped: no new channels, the old ones finish");
  if (verb == "exit") return trunks_text(*result, "ended", "ended");
  if (verb == "renew") return std::string("renewed: the next channel gets a fresh login\n");
  if (verb == "check") return check_text(*result);
  if (verb == "scan") return scan_text(*result);
  if (verb == "reload") return std::string("the configuration has been reloaded\n");
  if (verb == "drain") return std::string("draining: nothing new is accepted, sallyportd ends with the last channel\n");
  if (verb == "explain") {
    const auto text = result->find("text");
    if (text == result->end() || !text->is_string()) return nonsense;
    return printable_lines(text->get_ref<const std::string&>());
  }
  return nonsense;
}

}  // namespace sallyport::ctl

#include "control/request_handler.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <utility>

#include "config/suggest.hpp"
#include "control/row_json.hpp"
#include "log/escape.hpp"

namespace sallyport::control {
namespace {

constexpr std::string_view kEndedByAdministrator = "ended by the administrator";
/// What a reason may hold, since it goes into a message to the client.
constexpr std::size_t kReasonBytes = 256;

std::string ok_response(Json result) {
  Json response;
  response["ok"] = true;
  response["result"] = std::move(result);
  return to_line(response);
}

/// "c12" is the letter 'c' and the number 12. No other spelling, so that an id has one only.
bool read_id(std::string_view text, char& letter, std::uint64_t& value) {
  if (text.size() < 2 || text[1] == '0') return false;
  letter = text[0];
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + 1, end, value);
  return read.ec == std::errc() && read.ptr == end;
}

/// A name that is no target's is told from one of which there is no trunk.
std::string none_of(const TrunkSelection& which, const std::vector<std::string>& targets) {
  if (std::find(targets.begin(), targets.end(), which.target) == targets.end())
    return "there is no target \"" + log::escape(which.target, 64) + "\"" +
           config::did_you_mean(which.target, {targets.begin(), targets.end()});
  std::string text = "no trunk to target \"" + log::escape(which.target, 64) + "\"";
  if (!which.user.empty()) text += " of user \"" + log::escape(which.user, 64) + "\"";
  return text;
}

/// `none` where there was nothing that the verb could be about.
std::string why_not(const Error& why, const std::string& none) { return why.code == Errc::not_found ? none : why.detail; }

template <typename Row>
Json rows_json(const std::vector<Row>& rows, const Moment& moment) {
  Json json = Json::array();
  for (const Row& row : rows) json.push_back(to_json(row, moment));
  return json;
}

}  // namespace

std::string error_response(std::string_view why) {
  Json response;
  response["ok"] = false;
  response["error"] = why;
  return to_line(response);
}

/// A request that has a known verb and known members, each of them a string.
struct RequestHandler::Request {
  const Json& members;
  const Requester& requester;

  facts::Administrator by() const { return {requester.uid, requester.pid}; }

  /// The member's text; empty when it is absent.
  std::string text(const char* name) const {
    const auto found = members.find(name);
    return found == members.end() ? std::string() : found->get<std::string>();
  }
};

struct RequestHandler::Verb {
  std::string_view name;
  void (RequestHandler::*run)(const Request& request, Reply reply);
  std::string_view required;                      ///< a member that must be there; empty: none
  std::array<std::string_view, 3> optional = {};  ///< members that may be there

  bool takes(std::string_view member) const {
    return !member.empty() && (member == required || std::find(optional.begin(), optional.end(), member) != optional.end());
  }
};

const RequestHandler::Verb RequestHandler::kVerbs[] = {
    {"status", &RequestHandler::status, ""},
    {"connections", &RequestHandler::list_connections, ""},
    {"channels", &RequestHandler::list_channels, ""},
    {"trunks", &RequestHandler::list_trunks, ""},
    {"forwards", &RequestHandler::list_forwards, ""},
    {"kill", &RequestHandler::kill, "", {"id", "user", "reason"}},
    {"stop", &RequestHandler::stop, "target", {"user"}},
    {"exit", &RequestHandler::exit, "target", {"user"}},
    {"renew", &RequestHandler::renew, "target", {"user"}},
    {"check", &RequestHandler::check, "target", {"user"}},
    {"penalties", &RequestHandler::penalties, "", {"lift"}},
    {"scan", &RequestHandler::scan, "target", {"user"}},
    {"reload", &RequestHandler::reload, ""},
    {"drain", &RequestHandler::drain, ""},
    {"explain", &RequestHandler::explain, "query"},
};

RequestHandler::RequestHandler(Connections& connections, DaemonControl& daemon, const Clock& clock, Journal& journal,
                               WallClock now)
    : connections_(connections), daemon_(daemon), clock_(clock), journal_(journal), now_(std::move(now)) {}

void RequestHandler::handle(std::string_view line, const Requester& requester, Reply reply) {
  const Json members = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!members.is_object()) return reply(error_response("a request is one JSON object on one line"));
  const auto name = members.find("verb");
  if (name == members.end() || !name->is_string()) return reply(error_response("a request has a string \"verb\""));
  const auto& wanted = name->get_ref<const std::string&>();
  const auto* verb = std::find_if(std::begin(kVerbs), std::end(kVerbs), [&](const Verb& v) { return v.name == wanted; });
  if (verb == std::end(kVerbs)) {
    return reply(error_response("unknown verb \"" + log::escape(wanted, 64) + "\""));
  }
  for (const auto& member : members.items()) {
    // A misspelt member must not change what a verb does without a word.
    const std::string& key = member.key();
    if (key != "verb" && !verb->takes(key)) {
      return reply(error_response(wanted + " has no member \"" + log::escape(key, 64) + "\""));
    }
    if (!member.value().is_string()) return reply(error_response("\"" + key + "\" is not a string"));
  }
  if (!verb->required.empty() && !members.contains(verb->required)) {
    return reply(error_response(wanted + " needs \"" + std::string(verb->required) + "\""));
  }
  (this->*verb->run)(Request{members, requester}, std::move(reply));
}

Moment RequestHandler::moment() const { return {clock_.now(), now_()}; }

void RequestHandler::status(const Request&, Reply reply) {
  connections_.counts([json = to_json(daemon_.status(), moment()), reply = std::move(reply)](const OpenCounts& open) mutable {
    json["connections"] = open.connections;
    json["channels"] = open.channels;
    json["trunks"] = open.trunks;
    reply(ok_response(std::move(json)));
  });
}

template <typename Row>
void RequestHandler::list(void (Connections::*rows)(Connections::Done<std::vector<Row>>), Reply reply) {
  (connections_.*rows)([moment = moment(), reply = std::move(reply)](const std::vector<Row>& found) {
    reply(ok_response(rows_json(found, moment)));
  });
}

void RequestHandler::list_connections(const Request&, Reply reply) { list(&Connections::connections, std::move(reply)); }

void RequestHandler::list_channels(const Request&, Reply reply) { list(&Connections::channels, std::move(reply)); }

void RequestHandler::list_trunks(const Request&, Reply reply) { list(&Connections::trunks, std::move(reply)); }

void RequestHandler::list_forwards(const Request&, Reply reply) { list(&Connections::forwards, std::move(reply)); }

void RequestHandler::kill(const Request& request, Reply reply) {
  const std::string id = request.text("id");
  std::string reason = request.text("reason");
  if (reason.empty()) reason = kEndedByAdministrator;
  const bool of_user = request.members.contains("user");
  if (of_user == request.members.contains("id")) return reply(error_response("kill needs either \"id\" or \"user\""));
  if (of_user) return kill_user(request, reason, std::move(reply));
  char letter = 0;
  std::uint64_t value = 0;
  const bool is_id = read_id(id, letter, value);
  if (!is_id || (letter != 'c' && letter != 'h')) {
    return reply(
        error_response("kill takes the id of a connection (c1) or of a channel (h1), not \"" + log::escape(id, 64) + "\""));
  }
  const bool is_connection = letter == 'c';
  auto done = [&journal = journal_, is_connection, value, id, reason, by = request.by(),
               reply = std::move(reply)](const Result<>& ended) {
    if (!ended) return reply(error_response(why_not(ended.error(), (is_connection ? "no connection " : "no channel ") + id)));
    is_connection ? journal.tell(facts::ConnectionKilled{by, ConnectionId{value}, reason})
                  : journal.tell(facts::ChannelKilled{by, ChannelId{value}, reason});
    reply(ok_response(Json{{"ended", id}}));
  };
  const std::string told = log::escape(reason, kReasonBytes);
  is_connection ? connections_.end_connection(ConnectionId{value}, told, std::move(done))
                : connections_.end_channel(ChannelId{value}, told, std::move(done));
}

void RequestHandler::kill_user(const Request& request, const std::string& reason, Reply reply) {
  const std::string user = request.text("user");
  connections_.end_connections_of(
      user, log::escape(reason, kReasonBytes),
      [&journal = journal_, user, reason, by = request.by(), reply = std::move(reply)](const Result<std::size_t>& count) {
        if (!count)
          return reply(error_response(why_not(count.error(), "no connection of user \"" + log::escape(user, 64) + "\"")));
        journal.tell(facts::UserKilled{by, user, *count, reason});
        reply(ok_response(Json{{"ended", *count}}));
      });
}

void RequestHandler::change_trunks(const Request& request, Reply reply, ChangeTrunks change, const char* done) {
  const TrunkSelection which{request.text("target"), request.text("user")};
  (connections_.*change)(which, std::string(done) + " by the administrator",
                         [&journal = journal_, which, done, none = none_of(which, daemon_.targets()), by = request.by(),
                          reply = std::move(reply)](const Result<std::size_t>& count) {
                           if (!count) return reply(error_response(why_not(count.error(), none)));
                           journal.tell(facts::TrunksChanged{by, done, which.target, which.user, *count});
                           reply(ok_response(Json{{done, *count}}));
                         });
}

void RequestHandler::stop(const Request& request, Reply reply) {
  change_trunks(request, std::move(reply), &Connections::stop_trunks, "stopped");
}

void RequestHandler::exit(const Request& request, Reply reply) {
  change_trunks(request, std::move(reply), &Connections::end_trunks, "ended");
}

void RequestHandler::renew(const Request& request, Reply reply) {
  change_trunks(request, std::move(reply), &Connections::renew_trunks, "renewed");
}

void RequestHandler::check(const Request& request, Reply reply) {
  const TrunkSelection which{request.text("target"), request.text("user")};
  connections_.check_trunks(
      which, [moment = moment(), none = none_of(which, daemon_.targets()), reply = std::move(reply)](const TargetCheck& found) {
        if (found.trunks.empty() && found.pauses.empty()) return reply(error_response(none));
        reply(ok_response(to_json(found, moment)));
      });
}

void RequestHandler::penalties(const Request& request, Reply reply) {
  const std::string source = request.text("lift");
  if (source.empty()) return reply(ok_response(rows_json(daemon_.penalties(), moment())));
  const std::size_t count = daemon_.lift_penalties(source);
  if (count == 0 && source != "all") return reply(error_response("no penalty of \"" + log::escape(source, 64) + "\""));
  journal_.tell(facts::PenaltiesLifted{request.by(), source, count});
  reply(ok_response(Json{{"lifted", count}}));
}

void RequestHandler::scan(const Request& request, Reply reply) {
  const std::string target = request.text("target");
  journal_.tell(facts::ScanAsked{request.by(), target});
  const std::vector<std::string> targets = daemon_.targets();
  if (std::find(targets.begin(), targets.end(), target) == targets.end())
    return reply(error_response(none_of({target, {}}, targets)));
  daemon_.scan(target, request.text("user"), [target, reply = std::move(reply)](const Result<std::vector<ScannedKey>>& keys) {
    if (!keys) return reply(error_response(keys.error().detail));
    Json list = Json::array();
    for (const ScannedKey& key : *keys) list.push_back(to_json(key));
    Json json;
    json["target"] = target;
    json["keys"] = std::move(list);
    reply(ok_response(std::move(json)));
  });
}

void RequestHandler::reload(const Request& request, Reply reply) {
  journal_.tell(facts::ReloadAsked{request.by()});
  daemon_.reload([reply = std::move(reply)](const Result<>& done) {
    reply(done ? ok_response(Json{{"reloaded", true}}) : error_response(done.error().detail));
  });
}

void RequestHandler::drain(const Request& request, Reply reply) {
  journal_.tell(facts::DrainAsked{request.by()});
  daemon_.drain();
  reply(ok_response(Json{{"draining", true}}));
}

void RequestHandler::explain(const Request& request, Reply reply) {
  Result<ExplainAnswer> answer = daemon_.explain(request.text("query"));
  if (!answer) return reply(error_response(answer.error().detail));
  Json json;
  json["text"] = std::move(answer->text);
  json["explanation"] = Json::parse(answer->json, nullptr, /*allow_exceptions=*/false);
  if (json["explanation"].is_discarded()) json["explanation"] = nullptr;
  reply(ok_response(std::move(json)));
}

}  // namespace sallyport::control

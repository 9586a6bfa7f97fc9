#include <variant>

#include <nlohmann/json.hpp>

#include "config/option_table.hpp"
#include "match/names.hpp"
#include "match/units.hpp"
#include "route/explain.hpp"

namespace sallyport::route {
namespace {

using nlohmann::json;

json considered(const std::vector<Considered>& list) {
  json out = json::array();
  for (const Considered& one : list) out.push_back({{"name", one.name}, {"matches", one.reason.empty()}, {"reason", one.reason}});
  return out;
}

json or_null(const std::optional<std::string>& text) { return text ? json(*text) : json(nullptr); }

json program_json(const std::optional<Program>& program) {
  if (!program) return nullptr;
  return {{"request", info_of(program->act).wire}, {"argument", program->argument}, {"original", or_null(program->original)}};
}

json options_json(const Options& options) {
  json out = json::object();
  config::for_each_row(config::kOptions, [&](const auto& row) {
    const auto value = config::written(row.syntax, row.in(options));
    out[std::string(row.name)] = value ? std::visit([](const auto& one) { return json(one); }, *value) : json(nullptr);
  });
  return out;
}

json target_json(const ResolvedTarget& target) {
  json out{{"name", target.name}, {"options", options_json(target.options)}};
  if (target.kind == TargetKind::local) {
    out.update({{"kind", "local"}, {"user", target.local.user}, {"shell", target.local.shell}});
    return out;
  }
  json credentials = json::array();
  for (const Credential& credential : target.credentials) credentials.push_back(config::credential_text(credential));
  out.update({{"kind", "ssh"},
              {"address", config::format_host_port(target.host, target.port)},
              {"user", target.user},
              {"credentials", credentials},
              {"known_hosts", target.known_hosts},
              {"require_strict_kex", target.algorithms.require_strict_kex.value_or(false)},
              {"legacy_algorithms", target.legacy_algorithms},
              {"proxy_command", target.proxy_command},
              {"via", target.via ? target_json(*target.via) : json(nullptr)}});
  return out;
}

}  // namespace

json to_json(const Explanation& explanation) {
  return {{"user", explanation.query.user},
          {"asked", or_null(explanation.query.target)},
          {"source", explanation.query.source},
          {"mfa", explanation.query.mfa},
          {"time", explanation.query.time ? json(config::format_week_time(*explanation.query.time)) : json(nullptr)},
          {"request", info_of(explanation.request).name()},
          {"command", or_null(explanation.query.command)},
          {"subsystem", or_null(explanation.query.subsystem)},
          {"destination", explanation.query.destination ? json(explanation.query.destination->text()) : json(nullptr)},
          {"routes", considered(explanation.routes)},
          {"route", or_null(explanation.route)},
          {"rules", considered(explanation.rules)},
          {"rule", or_null(explanation.rule)},
          {"decided_by", explanation.decided_by},
          {"program", program_json(explanation.program)},
          {"target", explanation.target ? target_json(*explanation.target) : json(nullptr)},
          {"denied", or_null(explanation.denied)},
          {"denied_detail", explanation.denied_detail}};
}

}  // namespace sallyport::route

#include "config/load.hpp"

#include <utility>

#include "config/include.hpp"
#include "config/sections.hpp"

namespace sallyport::config {

Loaded load(const std::string& file, const Files& files) {
  Problems problems;
  const Node document = read_with_includes(file, files, problems);
  // After a syntax error the rest of the file is missing, and complaints about that would only hide the cause.
  if (!problems.empty()) return {nullptr, problems.take()};

  auto config = std::make_shared<Config>();
  config->file = file;
  TableReader root(&document, "", problems);
  read_listens(root, *config);
  read_server(root, files, *config, problems);
  read_log(root, *config, problems);
  read_audit(root, *config, problems);
  read_auth(root, *config, problems);
  read_algorithms(root.table("algorithms"), "algorithms", config->algorithms, problems);
  root.not_yet("recording");
  read_limits(root, *config, problems);
  read_penalties(root, *config, problems);
  read_groups(root, *config, problems);
  read_defaults(root, *config, problems);
  read_targets(root, *config, problems);
  read_routes(root, *config, problems);
  root.finish({"include"});
  if (!problems.empty()) return {nullptr, problems.take()};
  return {std::move(config), {}, problems.take_warnings()};
}

}  // namespace sallyport::config

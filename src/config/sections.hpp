// The parts of a configuration, one function for each. They add problems and never stop at the first one.
#pragma once

#include <sallyport/config.hpp>

#include "config/files.hpp"
#include "config/table_reader.hpp"

namespace sallyport::config {

void read_listens(TableReader& root, Config& config);
void read_server(TableReader& root, const Files& files, Config& config, Problems& problems);
void read_log(TableReader& root, Config& config, Problems& problems);
void read_audit(TableReader& root, Config& config, Problems& problems);
void read_auth(TableReader& root, Config& config, Problems& problems);
void read_limits(TableReader& root, Config& config, Problems& problems);
void read_penalties(TableReader& root, Config& config, Problems& problems);
void read_groups(TableReader& root, Config& config, Problems& problems);
void read_defaults(TableReader& root, Config& config, Problems& problems);
void read_targets(TableReader& root, Config& config, Problems& problems);
/// After read_groups() and read_targets(), whose names it checks.
void read_routes(TableReader& root, Config& config, Problems& problems);

/// `[NAME]` with what holds for the exchange of keys.
void read_algorithms(const Node* table, const std::string& name, Algorithms& algorithms, Problems& problems);

/// The options that stand in `table` beside its other keys.
void read_options(TableReader& table, OptionOverrides& options);

/// Complains unless `text` is a template with no other placeholders than {user} and {target}.
bool check_template(TableReader& table, const Node& node, const std::string& text);

}  // namespace sallyport::config

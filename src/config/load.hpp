// From a file to a Config, or to everything that is wrong with it; and back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sallyport/config.hpp>

#include "config/files.hpp"
#include "config/problem.hpp"

namespace sallyport::config {

/// Either a configuration or at least one problem.
struct Loaded {
  std::shared_ptr<const Config> config;  ///< null when there are problems
  std::vector<Problem> problems;
  std::vector<Problem> warnings = {};  ///< of a configuration that can be used
};

/// Reads `file` and what it includes, and checks all of it. Reads files, so it blocks: at start, or in a thread pool.
/// Permissions of key files are checked by those who use them.
Loaded load(const std::string& file, const Files& files = system_files());

/// The effective configuration as TOML, defaults filled in. Loading it gives the same Config again, but for `file`.
std::string to_toml(const Config& config);

}  // namespace sallyport::config

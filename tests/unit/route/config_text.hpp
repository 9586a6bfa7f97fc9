// A Config from a text, for tests.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "config/load.hpp"
#include "unit/config/memory_files.hpp"

namespace sallyport {

inline std::shared_ptr<const Config> config_of(const std::string& text) {
  config::MemoryFiles files;
  files.contents["/c/main.toml"] = "[[listen]]\naddress='127.0.0.1:0'\n" + text;
  config::Loaded loaded = config::load("/c/main.toml", files);
  for (const config::Problem& problem : loaded.problems) ADD_FAILURE() << config::to_string(problem);
  return loaded.config ? loaded.config : std::make_shared<const Config>();
}

}  // namespace sallyport

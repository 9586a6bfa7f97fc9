// A file system in memory for the loader.
#pragma once

#include <map>
#include <string>

#include "config/files.hpp"
#include "match/match.hpp"

namespace sallyport::config {

class MemoryFiles : public Files {
 public:
  std::map<std::string, std::string> contents;

  Result<std::string> read(const std::string& path) const override {
    const auto found = contents.find(path);
    if (found == contents.end()) return fail(Errc::not_found, "No such file or directory");
    return found->second;
  }
  Result<std::vector<std::string>> match(const std::string& pattern) const override {
    std::vector<std::string> paths;
    for (const auto& entry : contents) {
      if (glob_matches(pattern, entry.first)) paths.push_back(entry.first);
    }
    return paths;
  }
  std::string canonical(const std::string& path) const override { return path; }
};

}  // namespace sallyport::config

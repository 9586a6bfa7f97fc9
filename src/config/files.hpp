// How the loader sees the file system: the real one, or a test's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <sallyport/result.hpp>

namespace sallyport::config {

class Files {
 public:
  /// A configuration that is larger than this is some other file: ten thousand targets take two megabytes.
  static constexpr std::size_t kMaxSize = 16 * 1024 * 1024;

  virtual ~Files() = default;
  /// The contents of a regular file. The error's detail is fit to follow "can't read X: ".
  virtual Result<std::string> read(const std::string& path) const = 0;
  /// The existing paths that match a shell pattern (no match is no error), sorted.
  virtual Result<std::vector<std::string>> match(const std::string& pattern) const = 0;
  /// One and the same name for each way to write a path, to notice loops.
  virtual std::string canonical(const std::string& path) const = 0;
};

/// The machine's.
const Files& system_files();

}  // namespace sallyport::config

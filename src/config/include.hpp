// Puts a configuration together from its file and the files that it includes.
#pragma once

#include <string>

#include "config/document.hpp"
#include "config/files.hpp"
#include "config/problem.hpp"

namespace sallyport::config {

inline constexpr int kMaxIncludeDepth = 8;
inline constexpr std::size_t kMaxIncludedFiles = 256;

/// `path`, which stands in `file`, made absolute: a relative path is relative to the folder of the file it stands in.
std::string resolved_path(const std::string& file, const std::string& path);

/// Reads `file` and what its `include` names, one file after the other. Tables of the same name become one; a key
/// that two files set is a problem; [[listen]] and [[route]] come in the order of reading, those of the including file first.
Node read_with_includes(const std::string& file, const Files& files, Problems& problems);

}  // namespace sallyport::config

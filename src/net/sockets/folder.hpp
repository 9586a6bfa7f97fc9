// The folder of a file that is about to be made.
#pragma once

#include <sys/types.h>

#include <string>

#include <sallyport/result.hpp>

namespace sallyport::net {

/// The folder in which `path` is: "." for a bare name.
std::string folder_of(const std::string& path);

/// Makes that folder with `mode` when it is missing, and no folder above it. Errc::io; nothing is said when it is there, whatever
/// it is.
Result<> make_folder_of(const std::string& path, mode_t mode);

}  // namespace sallyport::net

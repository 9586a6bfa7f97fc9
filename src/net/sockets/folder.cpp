#include "net/sockets/folder.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "net/loop/error.hpp"

namespace sallyport::net {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<> make_folder_of(const std::string& path, mode_t mode) {
  const std::string folder = folder_of(path);
  if (::mkdir(folder.c_str(), mode) == 0 || errno == EEXIST) return {};
  return fail(Errc::io, from_errno(errno, "make " + folder).detail);
}

}  // namespace sallyport::net

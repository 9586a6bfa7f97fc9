#include "net/loop/error.hpp"

#include <uv.h>

#include <string>

namespace sallyport::net {
namespace {

Errc kind_of(int rc) {
  switch (rc) {
    case UV_ECONNREFUSED: return Errc::refused;
    case UV_ETIMEDOUT: return Errc::timeout;
    case UV_ENOENT:
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_AGAIN:  // the resolver gave no answer: for whoever asked, the name wasn't found
    case UV_EAI_FAIL:
    case UV_EAI_ADDRFAMILY: return Errc::not_found;
    case UV_EACCES:
    case UV_EPERM: return Errc::denied;
    case UV_EMFILE:
    case UV_ENFILE: return Errc::limit;
    case UV_EOF: return Errc::closed;
    default: return Errc::io;
  }
}

}  // namespace

Error from_uv(int rc, std::string_view doing) {
  std::string detail{doing};
  detail += ": ";
  char text[128] = "";
  detail += uv_strerror_r(rc, text, sizeof text);
  return Error{kind_of(rc), std::move(detail)};
}

Error from_errno(int error_number, std::string_view doing) { return from_uv(uv_translate_sys_error(error_number), doing); }

}  // namespace sallyport::net

// Login names: whatever gets through is safe in a path and can be put together again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "route/login_name.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view name(reinterpret_cast<const char*>(data), size);
  const auto login = sallyport::route::parse_login_name(name, "+");
  if (!login) return 0;
  for (const std::string& part : {login->user, login->target.value_or("x")}) {
    if (part.empty() || part.front() == '-' || part.find('/') != std::string::npos || part.find("..") != std::string::npos)
      std::abort();
    for (const char c : part) {
      if (c <= 0x20 || c == 0x7f) std::abort();
    }
  }
  if (login->user + (login->target ? "+" + *login->target : "") != name) std::abort();
  return 0;
}

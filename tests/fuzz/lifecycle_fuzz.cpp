// Logins of both roles that break where the input says: exactly one end is told, nothing behind it, and nothing waits
// for ever. The first byte chooses our role, the others are the choices of fakes/broken_logins.hpp.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fakes/broken_logins.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::fakes;
  static BrokenLogins logins;
  if (size == 0) return 0;
  Choices choices(sallyport::ByteView(data + 1, size - 1));
  const std::string wrong = logins.run(data[0] % 2 == 0 ? OurRole::server : OurRole::client, choices);
  if (wrong.empty()) return 0;
  std::fprintf(stderr, "%s\n", wrong.c_str());
  std::abort();
}

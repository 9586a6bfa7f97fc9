// authorized_keys: nothing may crash, and only lines with exactly the key that was asked for let anybody in.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/authorized_keys.hpp"
#include "auth/key_line.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::auth;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  KeyQuery query;
  query.user = "alice";
  query.source = "10.1.2.3";
  query.now = WallTime(std::chrono::hours(24 * 365 * 50));
  // The blob of the first line, so that the options of a line are read as well.
  if (const auto line = parse_key_line(text.substr(0, text.find('\n')))) query.blob = line->blob;
  const KeySearch search = search_keys(text, "f", query);
  if (search.accepted && query.blob.empty()) std::abort();
  return 0;
}

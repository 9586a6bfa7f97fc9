// PROXY headers: whatever is read is not longer than what was there, and is the same when less stands behind it.
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "net/sockets/proxy_header.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::net;
  const auto parsed = parse_proxy_header({data, size});
  if (const auto* header = std::get_if<ProxyHeader>(&parsed)) {
    if (header->length > size || header->source.has_value() != header->destination.has_value()) std::abort();
    const auto exact = parse_proxy_header({data, header->length});
    const auto* same = std::get_if<ProxyHeader>(&exact);
    if (same == nullptr || same->length != header->length || same->source != header->source) std::abort();
    if (!std::holds_alternative<ProxyHeaderIncomplete>(parse_proxy_header({data, header->length - 1}))) std::abort();
  } else if (std::holds_alternative<ProxyHeaderIncomplete>(parsed) && size >= kMaxProxyHeader) {
    std::abort();
  }
  return 0;
}

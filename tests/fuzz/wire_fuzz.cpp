// Every parser of the connection protocol on arbitrary bytes; what parses must come back the same when it is built again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "wire/channel_opens.hpp"
#include "wire/channel_requests.hpp"
#include "wire/forwards.hpp"
#include "wire/messages.hpp"
#include "wire/vocabulary.hpp"

namespace {

using namespace sallyport;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_inside(ByteView part, ByteView whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

bool equal(const Bytes& built, ByteView input) { return std::equal(built.begin(), built.end(), input.begin(), input.end()); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto m = wire::parse_global_request(input); m && input[0] == 80 && m->rest.empty() && input.back() <= 1)
    require(equal(wire::build_global_request(m->name, m->want_reply), input));
  if (const auto m = wire::parse_global_request(input)) {
    if (const auto at = wire::parse_tcpip_forward(m->rest))
      require(equal(wire::build_tcpip_forward(at->address, at->port), m->rest));
    if (const auto path = wire::parse_streamlocal_forward(m->rest))
      require(equal(wire::build_streamlocal_forward(*path), m->rest));
  }
  if (const auto port = wire::parse_chosen_port(input)) require(equal(wire::build_chosen_port(*port), input));
  if (const auto m = wire::parse_channel_open(input); m && input[0] == 90) {
    require(
        equal(wire::build_channel_open(m->type, LocalChannel{number(m->sender)}, m->initial_window, m->maximum_packet, m->rest),
              input));
    if (const auto to = wire::parse_direct_tcpip(m->rest)) require(equal(wire::build_direct_tcpip(*to), m->rest));
    if (const auto from = wire::parse_forwarded_tcpip(m->rest)) require(equal(wire::build_forwarded_tcpip(*from), m->rest));
    if (const auto path = wire::parse_forwarded_streamlocal(m->rest)) require(is_inside(bytes_of(*path), input));
    if (const auto from = wire::parse_x11_open(m->rest)) require(equal(wire::build_x11_open(*from), m->rest));
    if (const auto path = wire::parse_direct_streamlocal(m->rest)) require(is_inside(bytes_of(*path), input));
  }
  if (const auto m = wire::parse_channel_data(input)) require(is_inside(m->data, input));
  if (const auto m = wire::parse_channel_extended_data(input)) require(is_inside(m->data, input));
  (void)wire::parse_channel_open_confirmation(input);
  (void)wire::parse_channel_open_failure(input);
  (void)wire::parse_channel_window_adjust(input);
  (void)wire::parse_channel_only(input);
  if (const auto m = wire::parse_channel_request(input)) {
    require(is_inside(m->rest, input));
    // What is sound can be read, and comes back as it was.
    for (const wire::Speaker speaker : {wire::Speaker::client, wire::Speaker::target}) {
      const wire::Reading reading(wire::Form::channel_request, speaker, m->type, m->rest);
      if (!reading.sound() || m->type == wire::kKeepalive) continue;
      const auto request = wire::parse_session_request(m->type, reading.fields());
      require(request && wire::type_of(*request) == m->type && equal(wire::build_fields(*request), reading.fields()));
    }
  }
  return 0;
}

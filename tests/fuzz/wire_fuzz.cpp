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
    // What is sound must parse wherever the type is one that is taken apart here, and come back as it was.
    const wire::Reading reading(wire::Form::channel_request, wire::Speaker::client, m->type, m->rest);
    const wire::Reading told(wire::Form::channel_request, wire::Speaker::target, m->type, m->rest);
    const bool good = reading.sound();
    if (good && m->type == "pty-req") require(wire::parse_pty_req(m->rest).has_value());
    if (good && m->type == "env") require(wire::parse_env(m->rest).has_value());
    if (good && m->type == "window-change") require(wire::parse_window_change(m->rest).has_value());
    if (good && (m->type == "exec" || m->type == "subsystem" || m->type == "signal"))
      require(wire::parse_single_string(m->rest).has_value());
    if (good && m->type == wire::kX11Request)
      require(equal(wire::build_x11_request(*wire::parse_x11_request(m->rest)), reading.fields()));
    if (told.sound() && m->type == "exit-status") require(wire::parse_single_uint32(m->rest).has_value());
    if (told.sound() && m->type == "exit-signal") require(wire::parse_exit_signal(m->rest).has_value());
  }
  return 0;
}

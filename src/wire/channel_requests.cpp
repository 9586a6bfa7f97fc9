#include "wire/channel_requests.hpp"

#include <array>
#include <cstddef>
#include <utility>

#include "wire/encoding.hpp"
#include "wire/forwards.hpp"
#include "wire/vocabulary.hpp"

namespace sallyport::wire {
namespace {

/// By the number of the alternative.
constexpr std::array<std::string_view, std::variant_size_v<SessionRequest>> kTypes{"pty-req",
                                                                                   "env",
                                                                                   kX11Request,
                                                                                   kAgentRequest,
                                                                                   "shell",
                                                                                   "exec",
                                                                                   "subsystem",
                                                                                   "window-change",
                                                                                   "signal",
                                                                                   "break",
                                                                                   "simple@putty.projects.tartarus.org",
                                                                                   "winadj@putty.projects.tartarus.org",
                                                                                   kEndOfWrite,
                                                                                   "exit-status",
                                                                                   "exit-signal",
                                                                                   "xon-xoff"};

// Each kind's fields, in their order.

void read(Reader& reader, WindowDimensions& request) {
  request.columns = reader.uint32();
  request.rows = reader.uint32();
  request.width_pixels = reader.uint32();
  request.height_pixels = reader.uint32();
}
void write(Writer& writer, const WindowDimensions& request) {
  writer.uint32(request.columns).uint32(request.rows).uint32(request.width_pixels).uint32(request.height_pixels);
}

void read(Reader& reader, PtyRequest& request) {
  request.term = reader.text();
  read(reader, request.dimensions);
  const ByteView modes = reader.string();
  request.modes.assign(modes.begin(), modes.end());
}
void write(Writer& writer, const PtyRequest& request) {
  writer.string(request.term);
  write(writer, request.dimensions);
  writer.string(request.modes);
}

void read(Reader& reader, Env& request) {
  request.name = reader.text();
  request.value = reader.text();
}
void write(Writer& writer, const Env& request) { writer.string(request.name).string(request.value); }

void read(Reader& reader, X11Request& request) {
  request.single_connection = reader.boolean();
  request.protocol = reader.text();
  request.cookie = reader.text();
  request.screen = reader.uint32();
}
void write(Writer& writer, const X11Request& request) {
  writer.boolean(request.single_connection).string(request.protocol).string(request.cookie).uint32(request.screen);
}

void read(Reader& reader, Exec& request) { request.command = reader.text(); }
void write(Writer& writer, const Exec& request) { writer.string(request.command); }

void read(Reader& reader, Subsystem& request) { request.name = reader.text(); }
void write(Writer& writer, const Subsystem& request) { writer.string(request.name); }

void read(Reader& reader, Signal& request) { request.name = reader.text(); }
void write(Writer& writer, const Signal& request) { writer.string(request.name); }

void read(Reader& reader, Break& request) { request.milliseconds = reader.uint32(); }
void write(Writer& writer, const Break& request) { writer.uint32(request.milliseconds); }

void read(Reader& reader, ExitStatus& request) { request.status = reader.uint32(); }
void write(Writer& writer, const ExitStatus& request) { writer.uint32(request.status); }

void read(Reader& reader, ExitSignal& request) {
  request.signal = reader.text();
  request.core_dumped = reader.boolean();
  request.message = reader.text();
  request.language = reader.text();
}
void write(Writer& writer, const ExitSignal& request) {
  writer.string(request.signal).boolean(request.core_dumped).string(request.message).string(request.language);
}

void read(Reader& reader, XonXoff& request) { request.client_can_do = reader.boolean(); }
void write(Writer& writer, const XonXoff& request) { writer.boolean(request.client_can_do); }

template <typename Request>
concept Bare = std::is_empty_v<Request>;
void read(Reader&, Bare auto&) {}
void write(Writer&, const Bare auto&) {}

template <std::size_t kIndex>
std::optional<SessionRequest> parse(ByteView fields) {
  std::variant_alternative_t<kIndex, SessionRequest> request;
  Reader reader(fields);
  read(reader, request);
  if (!reader.at_end()) return std::nullopt;
  return request;
}

/// Tries each of the alternatives.
template <std::size_t... kIndices>
std::optional<SessionRequest> parse_one_of(std::index_sequence<kIndices...>, std::string_view type, ByteView fields) {
  std::optional<SessionRequest> request;
  static_cast<void>(((type == kTypes[kIndices] && (request = parse<kIndices>(fields), true)) || ...));
  return request;
}

}  // namespace

std::optional<SessionRequest> parse_session_request(std::string_view type, ByteView fields) {
  return parse_one_of(std::make_index_sequence<kTypes.size()>(), type, fields);
}

std::string_view type_of(const SessionRequest& request) { return kTypes[request.index()]; }

Bytes build_fields(const SessionRequest& request) {
  Writer writer;
  std::visit([&writer](const auto& one) { write(writer, one); }, request);
  return writer.take();
}

}  // namespace sallyport::wire

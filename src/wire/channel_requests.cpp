#include "wire/channel_requests.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
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

/// The fields of each kind, in their order: what is read is what is written. Those that aren't named here have none.
template <typename Request>
constexpr auto kFields = std::tuple();
template <>
constexpr auto kFields<WindowDimensions> = std::tuple(&WindowDimensions::columns, &WindowDimensions::rows,
                                                      &WindowDimensions::width_pixels, &WindowDimensions::height_pixels);
template <>
constexpr auto kFields<PtyRequest> = std::tuple(&PtyRequest::term, &PtyRequest::dimensions, &PtyRequest::modes);
template <>
constexpr auto kFields<Env> = std::tuple(&Env::name, &Env::value);
template <>
constexpr auto kFields<X11Request> = std::tuple(&X11Request::single_connection, &X11Request::protocol, &X11Request::cookie,
                                                &X11Request::screen);
template <>
constexpr auto kFields<Exec> = std::tuple(&Exec::command);
template <>
constexpr auto kFields<Subsystem> = std::tuple(&Subsystem::name);
template <>
constexpr auto kFields<Signal> = std::tuple(&Signal::name);
template <>
constexpr auto kFields<Break> = std::tuple(&Break::milliseconds);
template <>
constexpr auto kFields<ExitStatus> = std::tuple(&ExitStatus::status);
template <>
constexpr auto kFields<ExitSignal> = std::tuple(&ExitSignal::signal, &ExitSignal::core_dumped, &ExitSignal::message,
                                                &ExitSignal::language);
template <>
constexpr auto kFields<XonXoff> = std::tuple(&XonXoff::client_can_do);

/// A kind that has members and no list of them doesn't compile.
template <typename Request>
constexpr bool kIsListed = std::is_empty_v<Request> == (std::tuple_size_v<decltype(kFields<Request>)> == 0);

void read(Reader& reader, bool& field) { field = reader.boolean(); }
void read(Reader& reader, std::uint32_t& field) { field = reader.uint32(); }
void read(Reader& reader, std::string& field) { field = reader.text(); }
void read(Reader& reader, Bytes& field) {
  const ByteView bytes = reader.string();
  field.assign(bytes.begin(), bytes.end());
}
template <typename Request>
requires kIsListed<Request>
void read(Reader& reader, Request& request) {
  std::apply([&](auto... members) { (read(reader, request.*members), ...); }, kFields<Request>);
}

void write(Writer& writer, bool field) { writer.boolean(field); }
void write(Writer& writer, std::uint32_t field) { writer.uint32(field); }
void write(Writer& writer, const std::string& field) { writer.string(field); }
void write(Writer& writer, const Bytes& field) { writer.string(field); }
template <typename Request>
requires kIsListed<Request>
void write(Writer& writer, const Request& request) {
  std::apply([&](auto... members) { (write(writer, request.*members), ...); }, kFields<Request>);
}

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

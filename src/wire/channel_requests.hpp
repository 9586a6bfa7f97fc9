// RFC 4254, section 6: the channel requests of wire/vocabulary.hpp, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <sallyport/bytes.hpp>
#include <sallyport/process.hpp>

namespace sallyport::wire {

// Of a client's. A pty-req (6.2) is a PtyRequest, a window-change (6.7) the WindowDimensions.
struct Env {  // 6.4
  std::string name;
  std::string value;
};
struct X11Request {  // 6.3.1
  bool single_connection = false;
  std::string protocol;
  std::string cookie;
  std::uint32_t screen = 0;
};
struct AgentRequest {};  // PROTOCOL.agent
struct Shell {};         // 6.5
struct Exec {            // 6.5
  std::string command;
};
struct Subsystem {  // 6.5
  std::string name;
};
struct Signal {  // 6.9
  std::string name;
};
struct Break {  // RFC 4335
  std::uint32_t milliseconds = 0;
};
struct SimpleChannel {};  // PuTTY
struct WindowProbe {};    // PuTTY

// Of either side's.
struct EndOfWrite {};  // kEndOfWrite

// Of a target's.
struct ExitStatus {  // 6.10
  std::uint32_t status = 0;
};
struct ExitSignal {  // 6.10
  std::string signal;
  bool core_dumped = false;
  std::string message;
  std::string language;
};
struct XonXoff {  // 6.8
  bool client_can_do = false;
};

/// A channel request that has been read to its end. Each has one encoding, so what is built of it is what was read, but for a
/// boolean, which is 0 or 1.
using SessionRequest = std::variant<PtyRequest, Env, X11Request, AgentRequest, Shell, Exec, Subsystem, WindowDimensions, Signal,
                                    Break, SimpleChannel, WindowProbe, EndOfWrite, ExitStatus, ExitSignal, XonXoff>;

/// The request of that type with those fields; nothing unless it is exactly what the RFC says, or for a type that isn't one of
/// these. Whether the texts are sound and who may say it is for Reading to tell.
std::optional<SessionRequest> parse_session_request(std::string_view type, ByteView fields);
/// As the message names it.
std::string_view type_of(const SessionRequest& request);
/// The fields that belong to the type.
Bytes build_fields(const SessionRequest& request);

}  // namespace sallyport::wire

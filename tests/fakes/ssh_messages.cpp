#include "fakes/ssh_messages.hpp"

#include <variant>

namespace sallyport::fakes {
namespace {

using wire::MessageType;

std::string text(std::uint32_t value) { return std::to_string(value); }

std::string describe_size(const WindowDimensions& size) { return text(size.columns) + "x" + text(size.rows); }

/// As the tests write the fields of the requests that have some.
struct DescribeFields {
  std::string operator()(const wire::ExitStatus& exit) const { return text(exit.status); }
  std::string operator()(const wire::ExitSignal& exit) const { return exit.signal; }
  std::string operator()(const wire::Exec& exec) const { return exec.command; }
  std::string operator()(const wire::Subsystem& subsystem) const { return subsystem.name; }
  std::string operator()(const wire::Signal& signal) const { return signal.name; }
  std::string operator()(const wire::Env& env) const { return env.name + "=" + env.value; }
  std::string operator()(const WindowDimensions& size) const { return describe_size(size); }
  std::string operator()(const PtyRequest& pty) const { return pty.term + " " + describe_size(pty.dimensions); }
  template <typename Other>
  std::string operator()(const Other& other) const {
    return std::string(text_of(wire::build_fields(other)));
  }
};

std::string describe_rest(const wire::ChannelRequest& request) {
  if (request.rest.empty()) return "";
  const auto read = wire::parse_session_request(request.type, request.rest);
  return " " + (read ? std::visit(DescribeFields(), *read) : std::string(text_of(request.rest)));
}

std::string describe_rest(const wire::ChannelOpen& open) {
  if (open.type == wire::kDirectTcpip) {
    const auto to = *wire::parse_direct_tcpip(open.rest);
    return " " + std::string(to.host) + ":" + text(to.port) + " by " + std::string(to.originator) + ":" +
           text(to.originator_port);
  }
  if (open.type == wire::kDirectStreamlocal) return " " + std::string(*wire::parse_direct_streamlocal(open.rest));
  return "";
}

std::string describe_channel_only(std::string_view name, ByteView message) {
  return std::string(name) + " " + text(number(*wire::parse_channel_only(message)));
}

}  // namespace

std::string describe(ByteView message) {
  switch (static_cast<MessageType>(message[0])) {
    case MessageType::global_request: {
      const auto m = *wire::parse_global_request(message);
      return "GLOBAL " + std::string(m.name) + (m.want_reply ? "?" : "");
    }
    case MessageType::request_success: return "GLOBAL-SUCCESS";
    case MessageType::request_failure: return "GLOBAL-FAILURE";
    case MessageType::channel_open: {
      const auto m = *wire::parse_channel_open(message);
      return "OPEN " + std::string(m.type) + " from=" + text(number(m.sender)) + " window=" + text(m.initial_window) +
             describe_rest(m);
    }
    case MessageType::channel_open_confirmation: {
      const auto m = *wire::parse_channel_open_confirmation(message);
      return "CONFIRM " + text(number(m.recipient)) + " from=" + text(number(m.sender)) + " window=" + text(m.initial_window);
    }
    case MessageType::channel_open_failure: {
      const auto m = *wire::parse_channel_open_failure(message);
      return "REFUSE " + text(number(m.recipient)) + " " + text(static_cast<std::uint32_t>(m.reason)) + " " +
             std::string(m.description);
    }
    case MessageType::channel_window_adjust: {
      const auto m = *wire::parse_channel_window_adjust(message);
      return "ADJUST " + text(number(m.recipient)) + " " + text(m.bytes);
    }
    case MessageType::channel_data: {
      const auto m = *wire::parse_channel_data(message);
      return "DATA " + text(number(m.recipient)) + " " + std::string(text_of(m.data));
    }
    case MessageType::channel_extended_data: {
      const auto m = *wire::parse_channel_extended_data(message);
      return "STDERR " + text(number(m.recipient)) + " " + std::string(text_of(m.data));
    }
    case MessageType::channel_request: {
      const auto m = *wire::parse_channel_request(message);
      return "REQUEST " + text(number(m.recipient)) + " " + std::string(m.type) + (m.want_reply ? "?" : "") + describe_rest(m);
    }
    case MessageType::channel_eof: return describe_channel_only("EOF", message);
    case MessageType::channel_close: return describe_channel_only("CLOSE", message);
    case MessageType::channel_success: return describe_channel_only("SUCCESS", message);
    case MessageType::channel_failure: return describe_channel_only("FAILURE", message);
  }
  return "UNKNOWN " + std::to_string(message[0]);
}

std::vector<std::string> describe(const std::vector<Bytes>& messages) {
  std::vector<std::string> lines;
  for (const Bytes& message : messages) lines.push_back(describe(message));
  return lines;
}

}  // namespace sallyport::fakes

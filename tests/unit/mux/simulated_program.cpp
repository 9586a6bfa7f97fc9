#include "simulated_program.hpp"

#include <algorithm>

#include "fakes/ssh_messages.hpp"

namespace sallyport::mux {
namespace {

using fakes::SimulatedWay;

/// From one keystroke to the next, in milliseconds; the next waits for the echo of the one before.
constexpr double kTyping = 17;

const Bytes& payload() {
  static const Bytes bytes(64 * 1024, 'x');
  return bytes;
}

}  // namespace

void SimulatedProgram::open(const std::string& command) {
  End& end = ends_.emplace_back();
  end.command = command;
  end.left = habits_.window;
  out_.give(fakes::open_message(static_cast<std::uint32_t>(ends_.size() - 1), habits_.window, habits_.maximum_packet));
}

void SimulatedProgram::begin(End& end, const std::string& command, bool is_client) {
  end.confirmed = true;
  end.step = next_step();
  end.echoes = command == "echo";
  end.sends = command == "both" || command == (is_client ? "up" : "down");
  end.receives = command == "both" || command == (is_client ? "down" : "up");
}

void SimulatedProgram::turn(double now) {
  while (!stopped_ && in_.front() != nullptr) {
    Bytes message = in_.read();
    read(message, now);
    in_.give_back(std::move(message));
  }
  for (; !late_.empty() && late_.front().at <= now; late_.pop_front()) adjust(ends_[late_.front().number], late_.front().bytes);
  if (!stopped_) send_some(now);
}

void SimulatedProgram::read(ByteView message, double now) {
  const auto type = static_cast<wire::MessageType>(message[0]);
  if (type == wire::MessageType::channel_data) {
    const auto data = wire::parse_channel_data(message);
    return consume(number(data->recipient), data->data.size(), now);
  }
  if (type == wire::MessageType::channel_window_adjust) {
    const auto adjust = wire::parse_channel_window_adjust(message);
    ends_[number(adjust->recipient)].window += adjust->bytes;
  } else if (type == wire::MessageType::channel_open) {
    const auto open = wire::parse_channel_open(message);
    End& end = ends_.emplace_back();
    end.peer = number(open->sender);
    end.window = open->initial_window;
    end.maximum_packet = open->maximum_packet;
    end.left = habits_.window;
    out_.give(
        fakes::confirm_message(end.peer, static_cast<std::uint32_t>(ends_.size() - 1), habits_.window, habits_.maximum_packet));
  } else if (type == wire::MessageType::channel_open_confirmation) {
    const auto confirmed = wire::parse_channel_open_confirmation(message);
    End& end = ends_[number(confirmed->recipient)];
    end.peer = number(confirmed->sender);
    end.window = confirmed->initial_window;
    end.maximum_packet = confirmed->maximum_packet;
    begin(end, end.command, true);
    out_.give(fakes::exec_message(end.peer, end.command));
  } else if (type == wire::MessageType::channel_request) {
    const auto request = wire::parse_channel_request(message);
    End& end = ends_[number(request->recipient)];
    const auto fields = wire::parse_session_request(request->type, request->rest);
    const auto* exec = fields ? std::get_if<wire::Exec>(&*fields) : nullptr;
    begin(end, exec != nullptr ? exec->command : "", false);
    if (request->want_reply) out_.give(fakes::success_message(end.peer));
  }
}

void SimulatedProgram::consume(std::uint32_t number, std::uint64_t bytes, double now) {
  End& end = ends_[number];
  end.left -= bytes;
  end.consumed += bytes;
  ++messages_;
  if (end.echoes && end.command.empty()) {
    send_data(end, bytes);  // the server's side
  } else if (end.echoes) {
    end.waits = false;
    if (measuring_) echoes_.push_back(now - end.pressed);
  } else {
    received_ += bytes;
    if (end.latest > 0) end.longest_gap = std::max(end.longest_gap, now - end.latest);
    end.latest = now;
  }
  if (habits_.adjusts == Adjusts::never || end.consumed < end.step) return;
  const std::uint64_t given = std::exchange(end.consumed, 0);
  end.step = next_step();
  if (habits_.adjusts == Adjusts::late) {
    late_.push_back({now + habits_.lateness, number, given});
  } else {
    adjust(end, given);
  }
}

void SimulatedProgram::adjust(End& end, std::uint64_t bytes) {
  end.left += bytes;
  out_.give(fakes::adjust_message(end.peer, static_cast<std::uint32_t>(bytes)));
}

std::uint64_t SimulatedProgram::next_step() {
  const std::uint64_t window = habits_.window;
  switch (habits_.adjusts) {
    case Adjusts::at_once: return 1;
    case Adjusts::small_steps: return std::min<std::uint64_t>(32 * 1024, window / 2);
    case Adjusts::openssh:
    case Adjusts::late: return std::min<std::uint64_t>(96 * 1024, window / 2);
    case Adjusts::half: return window / 2;
    case Adjusts::all: return window;
    case Adjusts::at_random: return std::uniform_int_distribution<std::uint64_t>(1, window)(random_);
    case Adjusts::never: break;
  }
  return window;
}

void SimulatedProgram::send_some(double now) {
  for (End& end : ends_) {
    if (!end.confirmed || !end.echoes || end.command.empty() || end.waits || now < end.pressed + kTyping) continue;
    end.pressed = now;
    end.waits = true;
    send_data(end, 1);
  }
  std::size_t idle = 0;  // ends in succession that have nothing to send
  while (idle < ends_.size() && out_.is_writable()) {
    End& end = ends_[next_++ % ends_.size()];
    ++idle;
    if (!end.sends || end.window == 0) continue;
    send_data(end, std::min({end.window, end.maximum_packet, std::uint64_t{32 * 1024}}));
    idle = 0;
  }
}

void SimulatedProgram::send_data(End& end, std::uint64_t size) {
  size = std::min(size, end.window);
  end.window -= size;
  wire::HeadWriter head;
  head.byte(static_cast<std::uint8_t>(wire::MessageType::channel_data)).uint32(end.peer).uint32(static_cast<std::uint32_t>(size));
  out_.give(head.view(), ByteView(payload()).first(size));
}

void SimulatedProgram::begin_measuring() {
  measuring_ = true;
  received_ = messages_ = 0;
}

void SimulatedProgram::forget_gaps(double now) {
  for (End& end : ends_) {
    end.latest = now;
    end.longest_gap = 0;
  }
}

double SimulatedProgram::longest_gap(double now) const {
  double longest = 0;
  for (const End& end : ends_)
    if (end.receives && end.latest > 0) longest = std::max({longest, end.longest_gap, now - end.latest});
  return longest;
}

}  // namespace sallyport::mux

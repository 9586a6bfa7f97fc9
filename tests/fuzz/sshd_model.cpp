#include "sshd_model.hpp"

#include <utility>

namespace sallyport::fuzz {
namespace {

enum : std::uint8_t {
  kGlobalRequest = 80,
  kSuccess = 81,
  kFailure = 82,
  kOpen = 90,
  kOpenConfirmation = 91,
  kOpenFailure = 92,
  kWindowAdjust = 93,
  kData = 94,
  kExtendedData = 95,
  kEof = 96,
  kClose = 97,
  kRequest = 98,
  kChannelSuccess = 99,
  kChannelFailure = 100
};

void put(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

Bytes message_of(std::uint8_t type, std::initializer_list<std::uint32_t> numbers) {
  Bytes out{type};
  for (const std::uint32_t value : numbers) put(out, value);
  return out;
}

}  // namespace

/// A message as sshd's buffers give it out. After a field that isn't there, bad() is true for good.
class SshdModel::Packet {
 public:
  explicit Packet(const Bytes& message) : bytes_(message) {}

  std::uint8_t u8() {
    if (!have(1)) return 0;
    return bytes_[at_++];
  }
  std::uint32_t u32() {
    if (!have(4)) return 0;
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | bytes_[at_++];
    return value;
  }
  std::string string() {
    const std::uint32_t size = u32();
    if (!have(size)) return {};
    std::string text(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), bytes_.begin() + static_cast<std::ptrdiff_t>(at_ + size));
    at_ += size;
    return text;
  }
  /// A zero inside isn't borne, one at the end is cut off.
  std::string cstring() {
    std::string text = string();
    const std::size_t zero = text.find('\0');
    if (zero == std::string::npos) return text;
    if (zero + 1 != text.size()) bad_ = true;
    text.resize(zero);
    return text;
  }
  bool bad() const { return bad_; }
  bool at_end() const { return !bad_ && at_ == bytes_.size(); }

 private:
  bool have(std::size_t count) {
    if (bad_ || bytes_.size() - at_ < count) bad_ = true;
    return !bad_;
  }
  const Bytes& bytes_;
  std::size_t at_ = 0;
  bool bad_ = false;
};

std::vector<Bytes> SshdModel::receive(const Bytes& message) {
  answers_.clear();
  if (ended_ || message.empty()) return {};
  Packet packet(message);
  switch (packet.u8()) {
    case kGlobalRequest: global_request(packet); break;
    case kSuccess:
    case kFailure: break;
    case kOpen: open(packet); break;
    case kOpenConfirmation:
    case kOpenFailure: end("an answer to no open"); break;  // it opens nothing here
    case kWindowAdjust: {
      const std::uint32_t number = packet.u32();
      packet.u32();
      if (channels_.contains(number)) expect_end(packet, "window adjust");
      break;
    }
    case kData:
      if (channel_of(packet, "data") == nullptr) break;
      packet.string();
      expect_end(packet, "data");
      break;
    case kExtendedData:
      if (channel_of(packet, "extended data") == nullptr) break;
      packet.u32();
      packet.string();
      expect_end(packet, "extended data");
      break;
    case kEof:
      if (channel_of(packet, "eof") != nullptr) expect_end(packet, "eof");
      break;
    case kClose: {
      Channel* channel = channel_of(packet, "close");
      if (channel == nullptr) break;
      expect_end(packet, "close");
      answers_.push_back(message_of(kClose, {channel->peers}));
      std::erase_if(channels_, [channel](const auto& entry) { return &entry.second == channel; });
      break;
    }
    case kRequest: channel_request(packet); break;
    case kChannelSuccess:
    case kChannelFailure: {
      const std::uint32_t number = packet.u32();
      if (channels_.contains(number)) expect_end(packet, "status");
      break;
    }
    default: break;  // answered with UNIMPLEMENTED
  }
  return std::exchange(answers_, {});
}

std::map<std::uint32_t, std::uint32_t> SshdModel::numbers() const {
  std::map<std::uint32_t, std::uint32_t> found;
  for (const auto& [own, channel] : channels_) found[own] = channel.peers;
  return found;
}

void SshdModel::open(Packet& packet) {
  const std::string type = packet.cstring();
  const std::uint32_t peers = packet.u32();
  packet.u32();
  packet.u32();
  if (packet.bad()) return end("open");
  bool good = false;
  if (type == "session") {
    expect_end(packet, "session");
    if (no_more_sessions_) end("a session after the last");
    good = true;
  } else if (type == "direct-tcpip") {
    const std::string host = packet.cstring();
    const std::uint32_t port = packet.u32();
    packet.cstring();
    const std::uint32_t from = packet.u32();
    expect_end(packet, "direct-tcpip");
    good = port <= 0xffff && from <= 0xffff;
    if (good) done(type, host + ":" + std::to_string(port));
  } else if (type == "direct-streamlocal@openssh.com") {
    const std::string path = packet.cstring();
    packet.cstring();
    const std::uint32_t from = packet.u32();
    expect_end(packet, "direct-streamlocal");
    good = from <= 0xffff;
    if (good) done(type, path);
  } else if (type == "tun@openssh.com") {
    done(type, {});
  }
  if (ended_) return;
  if (!good) {
    Bytes refusal = message_of(kOpenFailure, {peers, 2, 4});
    for (const char c : {'o', 'p', 'e', 'n'}) refusal.push_back(static_cast<std::uint8_t>(c));
    put(refusal, 0);
    return answers_.push_back(refusal);
  }
  const std::uint32_t own = next_number_++;
  channels_[own] = {peers, type == "session", type == "session", false, false};
  answers_.push_back(message_of(kOpenConfirmation, {peers, own, 1u << 20, 32768}));
}

void SshdModel::global_request(Packet& packet) {
  const std::string name = packet.cstring();
  const bool want_reply = packet.u8() != 0;
  if (packet.bad()) return end("global request");
  bool good = false;
  std::optional<std::uint32_t> chosen;
  if (name == "tcpip-forward" || name == "cancel-tcpip-forward") {
    const std::string host = packet.cstring();
    const std::uint32_t port = packet.u32();
    if (packet.bad()) return end(name);
    good = port <= 0xffff;
    if (good && port == 0 && name == "tcpip-forward") chosen = 33000;
    if (good) done(name, host + ":" + std::to_string(port));
  } else if (name == "streamlocal-forward@openssh.com" || name == "cancel-streamlocal-forward@openssh.com") {
    const std::string path = packet.cstring();
    if (packet.bad()) return end(name);
    done(name, path);
    good = true;
  } else if (name == "no-more-sessions@openssh.com") {
    no_more_sessions_ = good = true;
    done(name, {});
  } else if (name == "hostkeys-prove-00@openssh.com") {
    done(name, {});  // it would prove its own keys, and not the bastion's
  }
  if (!want_reply) return;
  Bytes answer = message_of(good ? kSuccess : kFailure, {});
  if (chosen) put(answer, *chosen);
  answers_.push_back(answer);
}

void SshdModel::channel_request(Packet& packet) {
  const std::uint32_t number = packet.u32();
  const std::string type = packet.cstring();
  const bool want_reply = packet.u8() != 0;
  if (packet.bad()) return end("channel request");
  const auto entry = channels_.find(number);
  if (entry == channels_.end()) return end("a request on no channel");
  Channel& channel = entry->second;
  bool good = false;
  if (type == "eow@openssh.com") {
    expect_end(packet, "eow");
  } else if (channel.session) {
    good = session_request(number, channel, type, packet);
  }
  if (ended_ || !want_reply) return;
  answers_.push_back(message_of(good ? kChannelSuccess : kChannelFailure, {channel.peers}));
}

bool SshdModel::session_request(std::uint32_t number, Channel& channel, const std::string& type, Packet& packet) {
  if (type == "window-change") {
    for (int i = 0; i < 4; ++i) packet.u32();
    expect_end(packet, "window-change");
    return true;
  }
  if (type == "break") {
    packet.u32();
    expect_end(packet, "break");
    return channel.terminal;
  }
  if (type == "signal") {  // the one whose fields it doesn't mind
    const std::string name = packet.cstring();
    if (!packet.at_end() || channel.larval) return false;
    done(type, name, number);
    return true;
  }
  if (!channel.larval) return false;
  if (type == "shell" || type == "exec" || type == "subsystem") {
    const std::string argument = type == "shell" ? std::string() : packet.cstring();
    expect_end(packet, "program");
    channel.larval = false;
    done(type, argument, number);
    return true;
  }
  if (type == "pty-req") {
    if (channel.terminal) {
      end("a second terminal");
      return false;
    }
    const std::string term = packet.cstring();
    for (int i = 0; i < 4; ++i) packet.u32();
    const std::string modes = packet.string();
    if (!terminal_modes(modes)) {
      end("terminal modes");
      return false;
    }
    expect_end(packet, "pty-req");
    channel.terminal = true;
    done(type, term, number);
    return true;
  }
  if (type == "x11-req") {
    packet.u8();
    const std::string protocol = packet.cstring();
    packet.cstring();
    packet.u32();
    expect_end(packet, "x11-req");
    done(type, protocol, number);
    return true;
  }
  if (type == "auth-agent-req@openssh.com" || type == "agent-req") {
    expect_end(packet, "agent");
    done(type, {}, number);
    return true;
  }
  if (type == "env") {
    const std::string name = packet.cstring();
    packet.cstring();
    expect_end(packet, "env");
    done(type, name, number);
    return true;
  }
  return false;
}

bool SshdModel::terminal_modes(const std::string& modes) {
  std::size_t at = 0;
  while (at < modes.size()) {
    const auto opcode = static_cast<std::uint8_t>(modes[at++]);
    if (opcode == 0 || opcode >= 160) return true;
    if (modes.size() - at < 4) return false;
    at += 4;
  }
  return true;
}

void SshdModel::done(std::string what, std::string argument, std::uint32_t channel) {
  if (!ended_) deeds_.push_back({std::move(what), std::move(argument), channel});
}

void SshdModel::end(std::string why) {
  if (!ended_) ended_ = std::move(why);
}

void SshdModel::expect_end(const Packet& packet, const char* where) {
  if (!packet.at_end()) end(std::string("malformed ") + where);
}

SshdModel::Channel* SshdModel::channel_of(Packet& packet, const char* where) {
  const auto entry = channels_.find(packet.u32());
  if (!packet.bad() && entry != channels_.end()) return &entry->second;
  end(std::string(where) + " for no channel");
  return nullptr;
}

namespace {

/// Reads over fields as a client's dispatcher does: 'c' a C string, 's' a string, 'u' a number, 'b' a byte.
bool is_readable(const Bytes& message, std::size_t& at, const char* fields) {
  for (; *fields != '\0'; ++fields) {
    std::uint32_t value = 0;
    const std::size_t width = *fields == 'b' ? 1 : 4;
    if (message.size() - at < width) return false;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | message[at++];
    if (*fields != 'c' && *fields != 's') continue;
    if (message.size() - at < value) return false;
    for (std::uint32_t i = 0; *fields == 'c' && i + 1 < value; ++i)
      if (message[at + i] == 0) return false;
    at += value;
  }
  return true;
}

/// The C string at `at`, which is_readable() has found there.
std::string name_at(const Bytes& message, std::size_t at) {
  std::string name;
  const std::size_t size = std::size_t{message[at + 2]} << 8 | message[at + 3];
  for (std::size_t i = 0; i < size && message[at + 4 + i] != 0; ++i) name.push_back(static_cast<char>(message[at + 4 + i]));
  return name;
}

}  // namespace

std::optional<std::string> ssh_ends_over(const Bytes& message) {
  struct Form {
    const char* name;
    const char* fields;
  };
  constexpr Form kOpens[] = {{"forwarded-tcpip", "cucu"}, {"forwarded-streamlocal@openssh.com", "cs"}, {"x11", "cu"}};
  constexpr Form kRequests[] = {{"exit-status", "u"}, {"eow@openssh.com", ""}};
  if (message.empty()) return "empty";
  std::size_t at = 1;
  const auto whole = [&](const char* fields) { return is_readable(message, at, fields) && at == message.size(); };
  const auto known = [&](const auto& forms, const std::string& name) -> std::optional<std::string> {
    for (const Form& form : forms)
      if (name == form.name && !whole(form.fields)) return "malformed " + name;
    return std::nullopt;
  };
  switch (message[0]) {
    case kOpen:
      if (!is_readable(message, at, "cuuu")) return "malformed open";
      return known(kOpens, name_at(message, 1));
    case kRequest:
      if (!is_readable(message, at, "ucb")) return "malformed request";
      return known(kRequests, name_at(message, 5));
    case kGlobalRequest:
      if (!is_readable(message, at, "cb")) return "malformed global request";
      return std::nullopt;
    case kOpenConfirmation: return whole("uuuu") ? std::nullopt : std::optional<std::string>("malformed confirmation");
    case kOpenFailure: return whole("uucs") ? std::nullopt : std::optional<std::string>("malformed open failure");
    case kWindowAdjust: return whole("uu") ? std::nullopt : std::optional<std::string>("malformed adjust");
    case kData: return whole("us") ? std::nullopt : std::optional<std::string>("malformed data");
    case kExtendedData: return whole("uus") ? std::nullopt : std::optional<std::string>("malformed extended data");
    case kEof:
    case kClose:
    case kChannelSuccess:
    case kChannelFailure: return whole("u") ? std::nullopt : std::optional<std::string>("malformed channel message");
    default: return std::nullopt;
  }
}

}  // namespace sallyport::fuzz

#include "mux/protocol/channel_output.hpp"

#include <algorithm>

#include "mux/protocol/channel.hpp"
#include "mux/protocol/connection.hpp"
#include "wire/encoding.hpp"

namespace sallyport::mux {

ChannelOutput::ChannelOutput(Connection& connection, Channel& channel)
    : connection_(connection), channel_(channel), outflow_(connection.habit()), held_(connection.account()) {}

void ChannelOutput::opened(const PeerEnd& peer) {
  recipient_ = peer.number;
  window_ = Window(peer.window);
  maximum_packet_ = peer.maximum_packet;
  outflow_.opened(peer.window);
}

void ChannelOutput::send(ByteView message, Wait wait) { must_hold(wait) ? hold(message, {}, {}) : connection_.send(message); }

bool ChannelOutput::send_data(DataKind kind, ByteView bytes) {
  if (!window_.take(bytes.size())) return false;
  bytes_sent_ += bytes.size();
  outflow_.count(bytes.size());
  const auto type = kind.extended ? wire::MessageType::channel_extended_data : wire::MessageType::channel_data;
  while (!bytes.empty()) {
    const ByteView chunk = bytes.first(std::min<std::size_t>(bytes.size(), maximum_packet_));
    bytes = bytes.subspan(chunk.size());
    if (append_to_held(kind, chunk)) continue;
    wire::HeadWriter head;
    head.byte(static_cast<std::uint8_t>(type)).uint32(number(recipient_));
    if (kind.extended) head.uint32(kind.code);
    head.uint32(static_cast<std::uint32_t>(chunk.size()));
    must_hold(Wait::yes) ? hold(head.view(), chunk, kind) : pass(head.view(), chunk, static_cast<std::uint32_t>(chunk.size()));
  }
  return true;
}

void ChannelOutput::pass(ByteView head, ByteView tail, std::uint32_t data) {
  connection_.send(head, tail);
  if (data > 0) outflow_.pass(connection_.sent(), data);
}

bool ChannelOutput::must_hold(Wait wait) const { return wait == Wait::yes && (has_held() || connection_.holds_back()); }

void ChannelOutput::hold(ByteView head, ByteView data, DataKind kind) {
  if (!connection_.usable()) return;  // nothing is sent any more
  held_.add(head, data, kind);
  connection_.call_when_drained(channel_);
  connection_.look_at_held();
}

bool ChannelOutput::append_to_held(DataKind kind, ByteView data) {
  if (!connection_.usable() || !held_.append(kind, data, std::min(maximum_packet_, Channel::kMaximumPacket))) return false;
  connection_.look_at_held();
  return true;
}

bool ChannelOutput::send_held() {
  if (!has_held()) return false;
  const HeldMessages::Message held = held_.take();
  pass(held.bytes, {}, held.data);
  return true;
}

bool ChannelOutput::adjust(std::uint32_t bytes) {
  // held data has left the window already, so this is the sum that RFC 4254, 5.2 bounds
  if (!window_.add(bytes)) return false;
  outflow_.gave_back(bytes);
  connection_.learn(outflow_.habit());
  return true;
}

std::uint32_t ChannelOutput::room_within(const RoomLimits& wanted) {
  RoomLimits limits = wanted;
  limits.on_the_way = std::max(limits.on_the_way, connection_.acknowledged_late());
  const std::uint32_t certain = outflow_.certain_room(limits, window_.bytes(), held_.data(), connection_.known_acknowledged());
  if (certain >= limits.enough) return certain;
  return outflow_.room(limits, window_.bytes(), held_.data(), connection_.acknowledged());
}

void ChannelOutput::look_for_silence() {
  if (outflow_.is_silent(connection_.acknowledged(), held_.data(), connection_.now(), connection_.round_trip()))
    connection_.learn(outflow_.habit());
}

}  // namespace sallyport::mux

#include "wire/messages.hpp"

#include "wire/encoding.hpp"

namespace sallyport::wire {
namespace {

Reader body_of(ByteView payload) { return Reader(payload.subspan(payload.empty() ? 0 : 1)); }

/// A message that ends where its last field ends.
template <typename Message>
std::optional<Message> whole(const Reader& reader, Message message) {
  if (!reader.at_end()) return std::nullopt;
  return message;
}

/// A message whose remaining bytes are the business of whoever knows its type.
template <typename Message>
std::optional<Message> with_rest(const Reader& reader, Message message) {
  if (!reader.ok()) return std::nullopt;
  message.rest = reader.rest();
  return message;
}

Writer begin(MessageType type) {
  Writer writer;
  writer.byte(static_cast<std::uint8_t>(type));
  return writer;
}

}  // namespace

std::optional<GlobalRequest> parse_global_request(ByteView payload) {
  Reader reader = body_of(payload);
  GlobalRequest message;
  message.name = reader.text();
  message.want_reply = reader.boolean();
  return with_rest(reader, message);
}

std::optional<ChannelOpen> parse_channel_open(ByteView payload) {
  Reader reader = body_of(payload);
  ChannelOpen message;
  message.type = reader.text();
  message.sender = RecipientChannel{reader.uint32()};
  message.initial_window = reader.uint32();
  message.maximum_packet = reader.uint32();
  return with_rest(reader, message);
}

std::optional<ChannelOpenConfirmation> parse_channel_open_confirmation(ByteView payload) {
  Reader reader = body_of(payload);
  ChannelOpenConfirmation message;
  message.recipient = LocalChannel{reader.uint32()};
  message.sender = RecipientChannel{reader.uint32()};
  message.initial_window = reader.uint32();
  message.maximum_packet = reader.uint32();
  return with_rest(reader, message);
}

std::optional<ChannelOpenFailure> parse_channel_open_failure(ByteView payload) {
  Reader reader = body_of(payload);
  ChannelOpenFailure message;
  message.recipient = LocalChannel{reader.uint32()};
  message.reason = static_cast<OpenFailureReason>(reader.uint32());
  message.description = reader.text();
  reader.string();  // language tag
  return whole(reader, message);
}

std::optional<ChannelWindowAdjust> parse_channel_window_adjust(ByteView payload) {
  Reader reader = body_of(payload);
  ChannelWindowAdjust message;
  message.recipient = LocalChannel{reader.uint32()};
  message.bytes = reader.uint32();
  return whole(reader, message);
}

std::optional<ChannelData> parse_channel_data(ByteView payload) {
  Reader reader = body_of(payload);
  ChannelData message;
  message.recipient = LocalChannel{reader.uint32()};
  message.data = reader.string();
  return whole(reader, message);
}

std::optional<ChannelExtendedData> parse_channel_extended_data(ByteView payload) {
  Reader reader = body_of(payload);
  ChannelExtendedData message;
  message.recipient = LocalChannel{reader.uint32()};
  message.code = reader.uint32();
  message.data = reader.string();
  return whole(reader, message);
}

std::optional<ChannelRequest> parse_channel_request(ByteView payload) {
  Reader reader = body_of(payload);
  ChannelRequest message;
  message.recipient = LocalChannel{reader.uint32()};
  message.type = reader.text();
  message.want_reply = reader.boolean();
  return with_rest(reader, message);
}

std::optional<LocalChannel> parse_channel_only(ByteView payload) {
  Reader reader = body_of(payload);
  const LocalChannel recipient{reader.uint32()};
  return whole(reader, recipient);
}

Bytes build_global_request(std::string_view name, bool want_reply, ByteView rest) {
  return begin(MessageType::global_request).string(name).boolean(want_reply).raw(rest).take();
}

Bytes build_request_success(ByteView rest) { return begin(MessageType::request_success).raw(rest).take(); }

Bytes build_request_failure() { return begin(MessageType::request_failure).take(); }

Bytes build_channel_open(std::string_view type, LocalChannel sender, std::uint32_t initial_window, std::uint32_t maximum_packet,
                         ByteView rest) {
  return begin(MessageType::channel_open)
      .string(type)
      .uint32(number(sender))
      .uint32(initial_window)
      .uint32(maximum_packet)
      .raw(rest)
      .take();
}

Bytes build_channel_open_confirmation(RecipientChannel recipient, LocalChannel sender, std::uint32_t initial_window,
                                      std::uint32_t maximum_packet, ByteView rest) {
  return begin(MessageType::channel_open_confirmation)
      .uint32(number(recipient))
      .uint32(number(sender))
      .uint32(initial_window)
      .uint32(maximum_packet)
      .raw(rest)
      .take();
}

Bytes build_channel_open_failure(RecipientChannel recipient, OpenFailureReason reason, std::string_view description) {
  return begin(MessageType::channel_open_failure)
      .uint32(number(recipient))
      .uint32(static_cast<std::uint32_t>(reason))
      .string(description.substr(0, description.find('\0')))
      .string(std::string_view{})
      .take();
}

Bytes build_channel_request(RecipientChannel recipient, std::string_view type, bool want_reply, ByteView rest) {
  return begin(MessageType::channel_request).uint32(number(recipient)).string(type).boolean(want_reply).raw(rest).take();
}

}  // namespace sallyport::wire

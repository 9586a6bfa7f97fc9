// RFC 4254: the messages of the connection protocol, numbers 80 to 100, as types.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sallyport/bytes.hpp>
#include <sallyport/ids.hpp>

namespace sallyport::wire {

/// RFC 4254, section 9.
enum class MessageType : std::uint8_t {
  global_request = 80,
  request_success = 81,
  request_failure = 82,
  channel_open = 90,
  channel_open_confirmation = 91,
  channel_open_failure = 92,
  channel_window_adjust = 93,
  channel_data = 94,
  channel_extended_data = 95,
  channel_eof = 96,
  channel_close = 97,
  channel_request = 98,
  channel_success = 99,
  channel_failure = 100,
};

/// RFC 4254, section 5.1.
enum class OpenFailureReason : std::uint32_t {
  administratively_prohibited = 1,
  connect_failed = 2,
  unknown_channel_type = 3,
  resource_shortage = 4,
};

/// RFC 4254, section 5.2: the one data type code that is defined.
inline constexpr std::uint32_t kExtendedDataStderr = 1;

// Section 4.
struct GlobalRequest {
  std::string_view name;
  bool want_reply = false;
  ByteView rest;  ///< the fields that belong to the name
};

// Section 5.1.
struct ChannelOpen {
  std::string_view type;
  RecipientChannel sender{};
  std::uint32_t initial_window = 0;
  std::uint32_t maximum_packet = 0;
  ByteView rest;  ///< the fields that belong to the type
};
struct ChannelOpenConfirmation {
  LocalChannel recipient{};
  RecipientChannel sender{};
  std::uint32_t initial_window = 0;
  std::uint32_t maximum_packet = 0;
  ByteView rest;
};
struct ChannelOpenFailure {
  LocalChannel recipient{};
  OpenFailureReason reason = OpenFailureReason::connect_failed;
  std::string_view description;
};

// Section 5.2.
struct ChannelWindowAdjust {
  LocalChannel recipient{};
  std::uint32_t bytes = 0;
};
struct ChannelData {
  LocalChannel recipient{};
  ByteView data;
};
struct ChannelExtendedData {
  LocalChannel recipient{};
  std::uint32_t code = 0;
  ByteView data;
};

// Section 5.4.
struct ChannelRequest {
  LocalChannel recipient{};
  std::string_view type;
  bool want_reply = false;
  ByteView rest;  ///< the fields that belong to the type
};

// Each parser takes a whole payload, whose first byte is the message number and has been looked at already, and gives
// nothing when a field is missing or, but for a `rest`, something is left over. Views are into the payload.
std::optional<GlobalRequest> parse_global_request(ByteView payload);
std::optional<ChannelOpen> parse_channel_open(ByteView payload);
std::optional<ChannelOpenConfirmation> parse_channel_open_confirmation(ByteView payload);
std::optional<ChannelOpenFailure> parse_channel_open_failure(ByteView payload);
std::optional<ChannelWindowAdjust> parse_channel_window_adjust(ByteView payload);
std::optional<ChannelData> parse_channel_data(ByteView payload);
std::optional<ChannelExtendedData> parse_channel_extended_data(ByteView payload);
std::optional<ChannelRequest> parse_channel_request(ByteView payload);
/// EOF, CLOSE, SUCCESS and FAILURE: a recipient channel and nothing else.
std::optional<LocalChannel> parse_channel_only(ByteView payload);

Bytes build_global_request(std::string_view name, bool want_reply, ByteView rest = {});
/// REQUEST_SUCCESS; `rest` are the fields that belong to the request's name.
Bytes build_request_success(ByteView rest = {});
Bytes build_request_failure();
Bytes build_channel_open(std::string_view type, LocalChannel sender, std::uint32_t initial_window, std::uint32_t maximum_packet,
                         ByteView rest = {});
Bytes build_channel_open_confirmation(RecipientChannel recipient, LocalChannel sender, std::uint32_t initial_window,
                                      std::uint32_t maximum_packet, ByteView rest = {});
/// The description may be another peer's: it ends at its first zero byte, since sshd ends the connection over one
/// inside.
Bytes build_channel_open_failure(RecipientChannel recipient, OpenFailureReason reason, std::string_view description);
Bytes build_channel_request(RecipientChannel recipient, std::string_view type, bool want_reply, ByteView rest);

}  // namespace sallyport::wire

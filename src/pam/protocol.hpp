// What sallyportd and its PAM helper say to each other. Pure; both ends are made of it.
//
// Every message is a frame: its length (uint32, of what follows), its type (byte) and fields as RFC 4251, section 5, has
// them. The daemon sends `start` once, then `answers` to each `questions` with a prompt in it, and `open` when the client
// may come in. It ends the session, or gives up, by closing its end. The helper sends `questions` and `changing` as PAM
// wants, then one of `authenticated` and `failed`; after `open` one of `opened` and `failed`. `failed` is the last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/secret.hpp>

namespace sallyport::pam {

/// A frame's length field is at most this; PAM's own limits make for less than half of it.
inline constexpr std::size_t kMaxFrame = 64 * 1024;
/// Linux-PAM's PAM_MAX_NUM_MSG and PAM_MAX_MSG_SIZE, and room.
inline constexpr std::uint32_t kMaxMessages = 32;
inline constexpr std::size_t kMaxText = 1024;
/// A longer answer is no password.
inline constexpr std::size_t kMaxAnswer = 1024;

enum class Type : std::uint8_t {
  start = 1,
  answers = 2,
  open = 3,
  questions = 11,
  changing = 12,  ///< the password is right but has expired: what is asked next is for a new one
  authenticated = 13,
  opened = 14,
  failed = 15,
};

struct Start {
  std::string service;
  std::string user;
  std::string remote_host;
  /// False: the client has proved by other means who it is, only the account and the session are PAM's.
  bool authenticate = true;
};

struct Message {
  enum class Style : std::uint8_t { secret = 1, visible = 2, error = 3, info = 4 };
  Style style = Style::info;
  std::string text;
  bool wants_answer() const { return style == Style::secret || style == Style::visible; }
};

struct Failed {
  enum class Kind : std::uint8_t {
    refused = 1,      ///< wrong password, locked or expired account
    unavailable = 2,  ///< PAM could not tell
  };
  Kind kind = Kind::unavailable;
  std::string reason;  ///< for the log
};

/// Whole frames, ready to be sent. That of the answers is to be wiped.
Bytes frame(const Start& start);
Bytes frame(const std::vector<SecretString>& answers);
Bytes frame(const std::vector<Message>& questions);
Bytes frame(const Failed& failed);
Bytes frame(Type type);  ///< for the types without fields

/// A frame without its length; `fields` points into the memory that it was cut from.
struct Frame {
  Type type{};
  ByteView fields;
};

/// Cuts the first frame from the front of what has come: `used` bytes of it. Neither frame nor `broken`: there is more to come.
struct Cut {
  std::optional<Frame> frame;
  std::size_t used = 0;
  bool broken = false;
};
Cut cut_frame(ByteView received);

/// Each is empty when the fields aren't those of its type, or too long.
std::optional<Start> parse_start(ByteView fields);
std::optional<std::vector<SecretString>> parse_answers(ByteView fields);
std::optional<std::vector<Message>> parse_questions(ByteView fields);
std::optional<Failed> parse_failed(ByteView fields);

}  // namespace sallyport::pam

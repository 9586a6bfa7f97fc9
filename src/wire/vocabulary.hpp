// All that a peer may ask for over a connection, and how whoever gets it reads it.
//
// What the policy judges and what the target does must be the same thing. They are not where two parsers differ: sshd
// reads names and texts as C strings and lets one zero byte at their end pass, so that it takes "exec\0" for "exec";
// over a field that is cut off it ends the whole connection, which on a trunk is everybody's. So nothing gets past this
// table that isn't in it (kVocabulary), under exactly that name, with exactly those fields:
// - Names are compared byte by byte: their case counts, as it does for sshd, and no zero byte is overlooked.
// - A field that is cut off, one too many, or a text with a zero byte anywhere makes a message malformed.
// - Strings and numbers have one encoding each, so what has been read to its end is read alike by everybody. A boolean
//   has 255 ways to be true, and is passed on as 1.
// mux refuses the rest as sshd does, with CHANNEL_FAILURE, an open failure or REQUEST_FAILURE, and records it. Where
// sshd would end the connection of its client over it, only that request or channel is lost here.
//
// A new request, channel type or global request is added here, and to the values that are made of it (SessionRequest, OpenFields,
// GlobalFields). One that clients send is an act of the policy as well (route/acts.hpp, with a row in
// tests/unit/route/policy_table.hpp), and tests/fuzz/sshd_model.cpp says what sshd makes of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <sallyport/bytes.hpp>

namespace sallyport::wire {

/// The three messages that have a name, and fields which depend on it.
enum class Form : std::uint8_t { channel_request, channel_open, global_request };

/// Who says it.
enum class Speaker : std::uint8_t { client, target };

enum class Field : std::uint8_t {
  none,      ///< nothing more may follow
  text,      ///< a string that ends up as a C string: no zero byte, and kMaximumText bytes at the most
  variable,  ///< a variable's name: a text that isn't empty and has no '=', with which it would be another name
  boolean,
  uint32,
  modes,  ///< a string of terminal modes (RFC 4254, section 8) that doesn't end inside one
  rest,   ///< whatever there is: nobody passes it on, and who takes it apart checks it
};

/// What is built out of a text must fit into a packet, beside a longer head than it came with: sshd ends a connection
/// over one beyond 256 KiB.
inline constexpr std::size_t kMaximumText = 255 * 1024;

/// OpenSSH's PROTOCOL, 2.1: whoever gets it need not read any more what it would send on this channel.
inline constexpr std::string_view kEndOfWrite = "eow@openssh.com";
/// Asks for any answer at all, on a channel or as a global request.
inline constexpr std::string_view kKeepalive = "keepalive@openssh.com";

/// What is said of fields that aren't just what the table says.
inline constexpr std::string_view kMalformed = "malformed";

/// What becomes of the fields of a sound message.
enum class Use : std::uint8_t {
  built,   ///< taken apart; what the other side gets is written anew out of what was understood
  passed,  ///< go to the other side as they are
  kept,    ///< answered here; the other side never sees them
};

struct Word {
  Form form;
  std::string_view name;
  bool by_client, by_target;  ///< who may say it
  bool on_any_channel;        ///< of channel requests; the others are for sessions
  Use use;
  std::array<Field, 6> fields{};
};

namespace vocabulary {

using enum Field;

constexpr Word client_request(std::string_view name, Use use, std::array<Field, 6> fields = {}) {
  return {Form::channel_request, name, true, false, false, use, fields};
}
constexpr Word target_request(std::string_view name, Use use, std::array<Field, 6> fields = {}) {
  return {Form::channel_request, name, false, true, false, use, fields};
}
constexpr Word hint(std::string_view name, bool by_client, bool by_target, Use use, std::array<Field, 6> fields = {}) {
  return {Form::channel_request, name, by_client, by_target, true, use, fields};
}
constexpr Word client_open(std::string_view name, std::array<Field, 6> fields = {}) {
  return {Form::channel_open, name, true, false, false, Use::built, fields};
}
constexpr Word target_open(std::string_view name, std::array<Field, 6> fields = {}) {
  return {Form::channel_open, name, false, true, false, Use::passed, fields};
}
constexpr Word client_global(std::string_view name, Use use, std::array<Field, 6> fields = {}) {
  return {Form::global_request, name, true, false, false, use, fields};
}

}  // namespace vocabulary

/// Sources: RFC 4254 (its sections are said), RFC 4335, OpenSSH's PROTOCOL (its sections are said), PuTTY's manual,
/// appendix F.
inline constexpr auto kVocabulary = [] {
  using namespace vocabulary;
  using enum Use;
  return std::array{
      // What a client asks of a session before a program runs. sshd takes each of these up to the program's start;
      // a second terminal ends its connection, so the first one alone is passed on.
      client_request("pty-req", built, {text, uint32, uint32, uint32, uint32, modes}),  // 6.2
      client_request("x11-req", built, {boolean, text, text, uint32}),                  // 6.3.1
      client_request("auth-agent-req@openssh.com", built),                              // PROTOCOL.agent
      client_request("env", built, {variable, text}),                                   // 6.4
      // The program: one for each session (6.5). An empty command or name is one, too.
      client_request("shell", built),
      client_request("exec", built, {text}),
      client_request("subsystem", built, {text}),
      // While it runs. sshd ignores the first without a terminal, and refuses the third.
      client_request("window-change", passed, {uint32, uint32, uint32, uint32}),  // 6.7
      client_request("signal", passed, {text}),                                   // 6.9
      client_request("break", passed, {uint32}),                                  // RFC 4335: `~B` of OpenSSH, PuTTY's menu
      // About the channel: nothing is done for these, so nothing is judged.
      hint("simple@putty.projects.tartarus.org", true, false, passed),  // PuTTY, WinSCP: there will be no other channel
      hint("winadj@putty.projects.tartarus.org", true, false, passed),  // the same: they wait for its answer, a failure
      hint(kEndOfWrite, true, true, passed),                            // OpenSSH, 2.1: no more output is wanted
      hint(kKeepalive, true, true, kept, {rest}),                       // sshd with ClientAliveInterval
      // What a target says of a program.
      target_request("exit-status", passed, {uint32}),                     // 6.10
      target_request("exit-signal", passed, {text, boolean, text, text}),  // 6.10
      target_request("xon-xoff", passed, {boolean}),                       // 6.8: servers of devices, for clients that do it

      // Channels. "tun@openssh.com" isn't among them: no rule is about network interfaces at a target.
      client_open("session"),                                               // 6.1
      client_open("direct-tcpip", {text, uint32, text, uint32}),            // 7.2
      client_open("direct-streamlocal@openssh.com", {text, text, uint32}),  // PROTOCOL, 2.4
      target_open("forwarded-tcpip", {text, uint32, text, uint32}),         // 7.2
      target_open("forwarded-streamlocal@openssh.com", {text, text}),       // PROTOCOL, 2.4
      target_open("auth-agent@openssh.com"),                                // PROTOCOL.agent
      target_open("x11", {text, uint32}),                                   // 6.3.2

      // Global requests. sshd doesn't look for their end.
      client_global("tcpip-forward", built, {text, uint32}),  // 7.1
      client_global("cancel-tcpip-forward", built, {text, uint32}),
      client_global("streamlocal-forward@openssh.com", built, {text}),  // PROTOCOL, 2.4
      client_global("cancel-streamlocal-forward@openssh.com", built, {text}),
      client_global("no-more-sessions@openssh.com", kept, {rest}),                              // PROTOCOL, 2.2
      client_global("hostkeys-prove-00@openssh.com", kept, {rest}),                             // PROTOCOL, 2.5: of our keys
      Word{Form::global_request, "hostkeys-00@openssh.com", false, true, false, kept, {rest}},  // PROTOCOL, 2.5
      Word{Form::global_request, kKeepalive, true, true, false, kept, {rest}},
  };
}();

/// One message, held against the table.
class Reading {
 public:
  /// `fields` are those that depend on the name; they outlive the reading.
  Reading(Form form, Speaker speaker, std::string_view name, ByteView fields);

  /// It is in the table, and just as the table says.
  bool sound() const { return why_.empty(); }
  /// The table has a word of that name for that speaker.
  bool known() const { return word_ != nullptr; }
  /// For a request that is known: whether it is for channels of every type.
  bool on_any_channel() const { return word_->on_any_channel; }
  /// What is wrong with one that isn't sound, for its sender and the log: a fixed phrase.
  std::string_view why() const { return why_; }
  /// The fields of one that is sound, with each boolean as 0 or 1.
  ByteView fields() const { return rewritten_.empty() ? fields_ : ByteView(rewritten_); }

 private:
  const Word* word_ = nullptr;
  std::string_view why_;
  ByteView fields_;
  Bytes rewritten_;  // empty: the fields are as they came
};

}  // namespace sallyport::wire

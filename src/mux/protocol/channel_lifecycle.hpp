// The life of a channel on one connection, as a table. RFC 4254, sections 5.1 and 5.3.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::mux {

enum class ChannelState : std::uint8_t {
  requested,     ///< the peer sent CHANNEL_OPEN, which has not been answered yet
  opening,       ///< we sent CHANNEL_OPEN
  abandoned,     ///< the same, but nobody here wants it any more
  open,          ///< confirmed
  eof_sent,      ///< we send no more data
  eof_received,  ///< the peer sends no more data
  eof_both,
  close_received,  ///< after EOF both ways: our CLOSE waits for the exit status (see ChannelEvents::answers_close_later)
  close_sent,      ///< what still arrives is swallowed; the number stays taken
  closed,          ///< CLOSE has gone both ways: the number is free
};

/// `confirmed` and `refused` are the peer's answers to our open, `local_confirm` and `local_refuse` ours to the peer's.
enum class ChannelEvent : std::uint8_t {
  local_confirm,
  local_refuse,
  confirmed,
  refused,
  local_eof,
  peer_eof,
  local_close,
  peer_close
};

/// What the transition makes us send.
enum class Send : std::uint8_t { nothing, eof, close };

struct Transition {
  ChannelState from;
  ChannelEvent on;
  ChannelState to;
  Send send;
};

/// The row for this pair. None: the peer broke the protocol when the event is its own, else it is our bug.
std::optional<Transition> transition(ChannelState from, ChannelEvent on);

/// The CHANNEL_OPEN has had its answer.
bool is_answered(ChannelState state);
/// Data and requests of ours may be sent.
bool may_send(ChannelState state);
/// Data of the peer's is in order (in close_sent it is swallowed).
bool may_receive_data(ChannelState state);
/// The peer has sent EOF, and no CLOSE.
bool has_said_eof(ChannelState state);

/// Nobody here wants the channel any more, and the peer has a word to say before its number is free.
bool is_owed_an_end(ChannelState state);

std::string_view name_of(ChannelState state);
std::string_view name_of(ChannelEvent event);

}  // namespace sallyport::mux

#include "mux/protocol/channel_lifecycle.hpp"

#include <cstddef>
#include <iterator>

namespace sallyport::mux {
namespace {

using S = ChannelState;
using E = ChannelEvent;

/// A number is free once CLOSE has gone both ways (5.3). A pair that isn't listed is an error.
constexpr Transition kTransitions[] = {
    {S::requested, E::local_confirm, S::open, Send::nothing},
    {S::requested, E::local_refuse, S::closed, Send::nothing},
    {S::opening, E::confirmed, S::open, Send::nothing},
    {S::opening, E::refused, S::closed, Send::nothing},
    {S::opening, E::local_close, S::abandoned, Send::nothing},  // there is no number yet to close with
    {S::abandoned, E::confirmed, S::close_sent, Send::close},
    {S::abandoned, E::refused, S::closed, Send::nothing},
    {S::open, E::local_eof, S::eof_sent, Send::eof},
    {S::open, E::peer_eof, S::eof_received, Send::nothing},
    {S::open, E::local_close, S::close_sent, Send::close},
    {S::open, E::peer_close, S::closed, Send::close},
    {S::eof_sent, E::peer_eof, S::eof_both, Send::nothing},
    {S::eof_sent, E::local_close, S::close_sent, Send::close},
    {S::eof_sent, E::peer_close, S::closed, Send::close},
    {S::eof_received, E::local_eof, S::eof_both, Send::eof},
    {S::eof_received, E::local_close, S::close_sent, Send::close},
    {S::eof_received, E::peer_close, S::closed, Send::close},
    {S::eof_both, E::local_close, S::close_sent, Send::close},
    {S::eof_both, E::peer_close, S::close_received, Send::nothing},
    {S::close_received, E::local_close, S::closed, Send::close},
    {S::close_sent, E::peer_eof, S::close_sent, Send::nothing},  // crossed on the wire
    {S::close_sent, E::peer_close, S::closed, Send::nothing},
};

constexpr bool no_pair_twice() {
  for (std::size_t i = 0; i < std::size(kTransitions); ++i)
    for (std::size_t j = i + 1; j < std::size(kTransitions); ++j)
      if (kTransitions[i].from == kTransitions[j].from && kTransitions[i].on == kTransitions[j].on) return false;
  return true;
}
static_assert(no_pair_twice());

}  // namespace

std::optional<Transition> transition(ChannelState from, ChannelEvent on) {
  for (const Transition& row : kTransitions)
    if (row.from == from && row.on == on) return row;
  return std::nullopt;
}

bool is_answered(ChannelState state) { return state != S::requested && state != S::opening && state != S::abandoned; }

bool may_send(ChannelState state) { return state == S::open || state == S::eof_received; }

bool may_receive_data(ChannelState state) { return state == S::open || state == S::eof_sent || state == S::close_sent; }

bool has_said_eof(ChannelState state) { return state == S::eof_received || state == S::eof_both; }

bool is_owed_an_end(ChannelState state) { return state == S::abandoned || state == S::close_sent; }

std::string_view name_of(ChannelState state) {
  switch (state) {
    case S::requested: return "requested";
    case S::opening: return "opening";
    case S::abandoned: return "abandoned";
    case S::open: return "open";
    case S::eof_sent: return "eof_sent";
    case S::eof_received: return "eof_received";
    case S::eof_both: return "eof_both";
    case S::close_received: return "close_received";
    case S::close_sent: return "close_sent";
    case S::closed: return "closed";
  }
  return "unknown";
}

std::string_view name_of(ChannelEvent event) {
  switch (event) {
    case E::local_confirm: return "local_confirm";
    case E::local_refuse: return "local_refuse";
    case E::confirmed: return "confirmed";
    case E::refused: return "refused";
    case E::local_eof: return "local_eof";
    case E::peer_eof: return "peer_eof";
    case E::local_close: return "local_close";
    case E::peer_close: return "peer_close";
  }
  return "unknown";
}

}  // namespace sallyport::mux

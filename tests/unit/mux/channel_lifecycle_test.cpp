#include "mux/protocol/channel_lifecycle.hpp"

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include <gtest/gtest.h>

namespace sallyport::mux {
namespace {

using S = ChannelState;
using E = ChannelEvent;
using Outcome = std::optional<std::pair<S, Send>>;

/// RFC 4254, sections 5.1 and 5.3, said once more and in another way: what each state knows of the two directions.
Outcome expected(S state, E event) {
  const bool open = state == S::open || state == S::eof_sent || state == S::eof_received || state == S::eof_both;
  const bool ours_ended = state == S::eof_sent || state == S::eof_both;
  const bool theirs_ended = state == S::eof_received || state == S::eof_both;
  switch (event) {
    case E::local_confirm:
      if (state == S::requested) return {{S::open, Send::nothing}};
      return {};
    case E::local_refuse:
      if (state == S::requested) return {{S::closed, Send::nothing}};
      return {};
    case E::confirmed:
      if (state == S::opening) return {{S::open, Send::nothing}};
      if (state == S::abandoned) return {{S::close_sent, Send::close}};
      return {};
    case E::refused:
      if (state == S::opening || state == S::abandoned) return {{S::closed, Send::nothing}};
      return {};
    case E::local_eof:
      if (!open || ours_ended) return {};
      return {{theirs_ended ? S::eof_both : S::eof_sent, Send::eof}};
    case E::peer_eof:
      if (state == S::close_sent) return {{S::close_sent, Send::nothing}};
      if (!open || theirs_ended) return {};
      return {{ours_ended ? S::eof_both : S::eof_received, Send::nothing}};
    case E::local_close:
      if (state == S::opening) return {{S::abandoned, Send::nothing}};
      if (open) return {{S::close_sent, Send::close}};
      if (state == S::close_received) return {{S::closed, Send::close}};
      return {};
    case E::peer_close:
      if (state == S::close_sent) return {{S::closed, Send::nothing}};
      if (ours_ended && theirs_ended) return {{S::close_received, Send::nothing}};  // there may be an exit status to come
      if (open) return {{S::closed, Send::close}};
      return {};
  }
  return {};
}

class ChannelLifecycleTest : public ::testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(ChannelLifecycleTest, HasTheRowThatTheRfcAsksForOrNone) {
  const auto state = static_cast<S>(std::get<0>(GetParam()));
  const auto event = static_cast<E>(std::get<1>(GetParam()));
  const auto row = transition(state, event);
  const Outcome want = expected(state, event);
  ASSERT_EQ(row.has_value(), want.has_value());
  if (!row) return;
  EXPECT_EQ(row->from, state);
  EXPECT_EQ(row->on, event);
  EXPECT_EQ(name_of(row->to), name_of(want->first));
  EXPECT_EQ(row->send, want->second);
}

INSTANTIATE_TEST_SUITE_P(AllPairs, ChannelLifecycleTest,
                         ::testing::Combine(::testing::Range(0, static_cast<int>(S::closed) + 1),
                                            ::testing::Range(0, static_cast<int>(E::peer_close) + 1)),
                         [](const auto& param) {
                           return std::string(name_of(static_cast<S>(std::get<0>(param.param)))) + "_on_" +
                                  std::string(name_of(static_cast<E>(std::get<1>(param.param))));
                         });

TEST(ChannelLifecycle, NothingIsSentBehindEofOrClose) {
  EXPECT_TRUE(may_send(S::open));
  EXPECT_TRUE(may_send(S::eof_received));
  for (const S state :
       {S::requested, S::opening, S::abandoned, S::eof_sent, S::eof_both, S::close_received, S::close_sent, S::closed})
    EXPECT_FALSE(may_send(state)) << name_of(state);
}

TEST(ChannelLifecycle, DataIsTakenUntilThePeersEofOrClose) {
  for (const S state : {S::open, S::eof_sent, S::close_sent}) EXPECT_TRUE(may_receive_data(state)) << name_of(state);
  for (const S state : {S::requested, S::opening, S::abandoned, S::eof_received, S::eof_both, S::close_received, S::closed})
    EXPECT_FALSE(may_receive_data(state)) << name_of(state);
}

}  // namespace
}  // namespace sallyport::mux

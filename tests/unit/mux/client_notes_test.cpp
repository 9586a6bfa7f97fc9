// What the bastion tells a client among the errors of its program.
#include "mux/session/client_notes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <type_traits>

namespace sallyport::mux {
namespace {

// Text for the log doesn't reach a client by mistake.
static_assert(!std::is_convertible_v<std::string_view, Told> && !std::is_convertible_v<std::string, Told> &&
              !std::is_convertible_v<const char*, Told>);

TEST(ClientNotes, AreLinesOfTheBastionsOwn) {
  ClientNotes notes;
  EXPECT_TRUE(notes.empty());
  notes.add(Told("one"), false);
  notes.add(Told("two"), true);
  EXPECT_FALSE(notes.empty());
  EXPECT_EQ(notes.take(1000), "sallyport: one\nsallyport: two\r\n");
  EXPECT_TRUE(notes.empty());
}

TEST(ClientNotes, HoldNothingThatATerminalObeys) {
  ClientNotes notes;
  notes.add(Told("target \x1b[2Jweb1"), false);
  EXPECT_EQ(notes.take(1000).find('\x1b'), std::string::npos);
}

TEST(ClientNotes, WaitUntilThereIsRoomForAllOfThem) {
  ClientNotes notes;
  notes.add(Told("one"), false);
  EXPECT_EQ(notes.take(14), "");
  EXPECT_EQ(notes.take(15), "sallyport: one\n");
}

TEST(ClientNotes, AreDroppedWholeBeyondTheMost) {
  ClientNotes notes;
  notes.add(Told(std::string(ClientNotes::kMost - 20, 'x')), false);
  const std::string kept = "sallyport: " + std::string(ClientNotes::kMost - 20, 'x') + "\n";
  notes.add(Told("too much"), false);
  EXPECT_EQ(notes.take(ClientNotes::kMost), kept);
}

TEST(ClientNotes, CanBeCutToWhatTheClientTakes) {
  ClientNotes notes;
  notes.add(Told("one"), false);
  notes.cut(100);
  notes.cut(9);
  EXPECT_EQ(notes.take(9), "sallyport");
}

}  // namespace
}  // namespace sallyport::mux

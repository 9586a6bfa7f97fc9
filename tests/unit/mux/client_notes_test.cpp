// What the bastion tells a client among the errors of its program.
#include "mux/session/client_notes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::mux {
namespace {

TEST(ClientNotes, AreLinesOfTheBastionsOwn) {
  ClientNotes notes;
  EXPECT_TRUE(notes.empty());
  notes.add("one", false);
  notes.add("two", true);
  EXPECT_FALSE(notes.empty());
  EXPECT_EQ(notes.take(1000), "sallyport: one\nsallyport: two\r\n");
  EXPECT_TRUE(notes.empty());
}

TEST(ClientNotes, HoldNothingThatATerminalObeys) {
  ClientNotes notes;
  notes.add("target \x1b[2Jweb1", false);
  EXPECT_EQ(notes.take(1000).find('\x1b'), std::string::npos);
}

TEST(ClientNotes, WaitUntilThereIsRoomForAllOfThem) {
  ClientNotes notes;
  notes.add("one", false);
  EXPECT_EQ(notes.take(14), "");
  EXPECT_EQ(notes.take(15), "sallyport: one\n");
}

TEST(ClientNotes, AreDroppedWholeBeyondTheMost) {
  ClientNotes notes;
  notes.add(std::string(ClientNotes::kMost - 20, 'x'), false);
  const std::string kept = "sallyport: " + std::string(ClientNotes::kMost - 20, 'x') + "\n";
  notes.add("too much", false);
  EXPECT_EQ(notes.take(ClientNotes::kMost), kept);
}

TEST(ClientNotes, CanBeCutToWhatTheClientTakes) {
  ClientNotes notes;
  notes.add("one", false);
  notes.cut(100);
  notes.cut(9);
  EXPECT_EQ(notes.take(9), "sallyport");
}

}  // namespace
}  // namespace sallyport::mux

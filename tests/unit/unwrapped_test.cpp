// The line that says at the end of a run which programs were not wrapped.
#include "program/unwrapped.h"

#include <gtest/gtest.h>

namespace wc {
namespace {

TEST(UnwrappedTest, NothingToSayOfARunWithoutAny) { EXPECT_EQ(Unwrapped().summary(), ""); }

TEST(UnwrappedTest, NamesEachWithItsReason) {
  Unwrapped unwrapped;
  unwrapped.note("/bin/a", "is statically linked; use --scope=process");
  EXPECT_EQ(unwrapped.summary(), "1 program was not wrapped: /bin/a (statically linked)");
  unwrapped.note("/bin/b", "runs as another user");
  EXPECT_EQ(
      unwrapped.summary(),
      "2 programs were not wrapped: /bin/a (statically linked), /bin/b (runs as another user)");
}

TEST(UnwrappedTest, CountsThoseThatAreAlikeOnce) {
  Unwrapped unwrapped;
  for (int i = 0; i < 3; i++) unwrapped.note("/bin/a", "why");
  unwrapped.note("/bin/a", "why else");
  EXPECT_EQ(unwrapped.summary(), "4 programs were not wrapped: /bin/a (why) x3, /bin/a (why else)");
}

TEST(UnwrappedTest, NamesEightAtMost) {
  Unwrapped unwrapped;
  for (int i = 0; i < 11; i++) unwrapped.note("/bin/" + std::to_string(i), "why");
  std::string text = unwrapped.summary();
  EXPECT_NE(text.find("/bin/7 (why) and 3 more"), std::string::npos) << text;
  for (int i = 0; i < 5000; i++) unwrapped.note("/x/" + std::to_string(i), "why");
  EXPECT_NE(unwrapped.summary().find("and 5003 more"), std::string::npos) << unwrapped.summary();
}

TEST(UnwrappedTest, PathsCannotReachTheTerminalAsTheyAre) {
  Unwrapped unwrapped;
  unwrapped.note("/tmp/\x1b[2J\n", "why");
  EXPECT_EQ(unwrapped.summary(), "1 program was not wrapped: /tmp/\\x1b[2J\\x0a (why)");
}

}  // namespace
}  // namespace wc

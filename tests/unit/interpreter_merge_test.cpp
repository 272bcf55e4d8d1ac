// Python's functions among C frames.
#include <gmock/gmock.h>

#include "interpreter/merge.h"

namespace wc {
namespace {

using testing::ElementsAre;

StackFrame c_frame(const char* name, uint64_t sp, uint64_t end) {
  StackFrame frame{.ip = 0x1000, .sp = sp, .end = end};
  frame.at.symbol = name;
  return frame;
}

PythonRun run(uint64_t place, std::vector<std::string> names, bool is_whole = true) {
  PythonRun one{.place = place, .is_whole = is_whole};
  for (std::string& name : names) one.frames.push_back({std::move(name), "a.py", 1});
  return one;
}

std::vector<std::string> names(const Stack& stack) {
  std::vector<std::string> list;
  for (const StackFrame& frame : stack) list.push_back(frame.at.symbol);
  return list;
}

Stack native() {
  return {c_frame("write", 100, 200), c_frame("eval", 200, 300), c_frame("sort", 300, 400),
          c_frame("eval", 400, 500), c_frame("main", 500, 600)};
}

TEST(MergeTest, EachRunStandsWhereItsCFrameStood) {
  const Stack stack =
      merge(native(), {run(250, {"key"}), run(450, {"outer", "module"})}, StackEnd::Reached);
  EXPECT_THAT(names(stack), ElementsAre("write", "key", "sort", "outer", "module", "main"));
  EXPECT_EQ(stack[1].ip, 0u);
  EXPECT_EQ(stack[1].at.file, "a.py");
}

TEST(MergeTest, ThePlaceOfTheCFrameIsKept) {
  const Stack stack = merge(native(), {run(250, {"a", "b", "c"})}, StackEnd::Reached);
  EXPECT_EQ(stack[1].sp, 200u);
  EXPECT_EQ(stack[3].sp, 200u);
  EXPECT_EQ(stack[3].end, 300u);
  EXPECT_EQ(stack[4].at.symbol, "sort");
}

TEST(MergeTest, WhatCouldNotBeReadIsStillThere) {
  EXPECT_THAT(
      names(merge(native(), {run(250, {"key"}, false), run(450, {}, false)}, StackEnd::Reached)),
      ElementsAre("write", "key", "eval", "sort", "eval", "main"));
  EXPECT_THAT(names(merge(native(), {}, StackEnd::Reached)),
              ElementsAre("write", "eval", "sort", "eval", "main"));
}

TEST(MergeTest, RunsThatTheUnwinderHasMissed) {
  Stack cut = {c_frame("clone", 100, 0)};
  EXPECT_THAT(names(merge(cut, {run(250, {"start"}), run(450, {"module"})}, StackEnd::Reached)),
              ElementsAre("clone", "start", "module"));
  // More C frames than are shown: what is behind them is not shown either.
  EXPECT_THAT(names(merge(cut, {run(250, {"start"})}, StackEnd::CutOff)), ElementsAre("clone"));
  // One in the middle, whose C frame was passed over.
  Stack holed = native();
  holed.erase(holed.begin() + 1);
  EXPECT_THAT(names(merge(holed, {run(250, {"key"}), run(450, {"module"})}, StackEnd::Reached)),
              ElementsAre("write", "sort", "key", "module", "main"));
}

}  // namespace
}  // namespace wc

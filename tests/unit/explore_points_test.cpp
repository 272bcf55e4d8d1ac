// The points of a JSON trace, and the rule that names each of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "explore/points.h"
#include "temporary_folder.h"

namespace wc::explore {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string call(int id, const std::string& function, const std::string& symbol, int offset,
                 const std::string& more = "") {
  const std::string named = symbol.empty() ? "" : R"("symbol":")" + symbol + R"(",)";
  return R"({"type":"call","call":)" + std::to_string(id) + R"(,"function":")" + function +
         R"(","library":"libc.so.6","caller":{"object":"/bin/prog",)" + named + R"("offset":)" +
         std::to_string(offset) + "}" + more + "}\n";
}

std::string syscall(const std::string& name, int call, int tid = 1, const std::string& more = "") {
  const std::string open = call == 0 ? "" : R"("call":)" + std::to_string(call) + ",";
  return R"({"type":"syscall","pid":1,"tid":)" + std::to_string(tid) + "," + open + R"("name":")" +
         name + "\"" + more + "}\n";
}

class ExplorePoints : public testing::Test {
 protected:
  std::vector<Point> points(const std::string& trace, Naming naming = Naming::WithFunction) {
    auto read = read_trace(folder_.write("trace", trace));
    EXPECT_TRUE(read.ok());
    return read.ok() ? collect_points(*read, naming) : std::vector<Point>();
  }
  std::vector<std::string> rules(const std::string& trace, Naming naming = Naming::WithFunction) {
    std::vector<std::string> texts;
    for (const Point& point : points(trace, naming)) texts.push_back(point.name.rule("EIO"));
    return texts;
  }
  TemporaryFolder folder_;
};

TEST_F(ExplorePoints, AreDistinctByFunctionSyscallAndPlace) {
  const auto found =
      points(call(1, "puts", "main", 16) + syscall("write", 1) + syscall("write", 1) +
             call(2, "puts", "main", 16) + syscall("write", 2, 1, R"(,"error":"EAGAIN")") +
             call(3, "puts", "main", 32) + syscall("write", 3) + syscall("read", 3));
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(point_text(found[0]), "write in puts from main+0x10 in prog");
  EXPECT_EQ(found[0].times, 3U);
  EXPECT_EQ(found[0].error, "");  // of the first time
  EXPECT_EQ(point_text(found[1]), "write in puts from main+0x20 in prog");
  EXPECT_EQ(point_text(found[2]), "read in puts from main+0x20 in prog");
}

TEST_F(ExplorePoints, PlacesThatARuleCannotTellApartAreCounted) {
  EXPECT_THAT(rules(call(1, "puts", "main", 16) + syscall("write", 1) + syscall("write", 1) +
                    call(3, "puts", "main", 32) + syscall("write", 3) +
                    call(4, "puts", "other", 32) + syscall("write", 4)),
              ElementsAre("write@puts:from=main@prog:error=EIO:when=1",
                          "write@puts:from=main@prog:error=EIO:when=3",
                          "write@puts:from=other@prog:error=EIO:when=1"));
}

TEST_F(ExplorePoints, AFunctionStandsForItsFamilyAndForWhatItCalls) {
  // A rule for fopen holds in fopen64, too, and in malloc that fopen calls.
  EXPECT_THAT(rules(call(1, "fopen64", "main", 1) + syscall("openat", 1) +
                    call(2, "fopen", "main", 2) + syscall("openat", 2) +
                    call(3, "malloc", "main", 3, R"(,"parent":2)") + syscall("openat", 3)),
              ElementsAre("openat@fopen64:from=main@prog:error=EIO:when=1",
                          "openat@fopen:from=main@prog:error=EIO:when=2",
                          "openat@malloc:from=main@prog:error=EIO:when=1"));
}

TEST_F(ExplorePoints, ThePlaceIsThatOfTheOutermostCall) {
  const auto found = points(call(1, "fopen", "main", 16) +
                            call(2, "malloc", "deep", 4, R"(,"parent":1)") + syscall("mmap", 2));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(point_text(found[0]), "mmap in malloc from main+0x10 in prog");
}

TEST_F(ExplorePoints, WithoutASymbolTheObjectIsNamed) {
  EXPECT_THAT(rules(call(1, "puts", "", 16) + syscall("write", 1) + call(2, "puts", "", 32) +
                    syscall("write", 2)),
              ElementsAre("write@puts:from=@prog:error=EIO:when=1",
                          "write@puts:from=@prog:error=EIO:when=2"));
}

TEST_F(ExplorePoints, NamesAreWrittenAsTheGrammarTakesThem) {
  EXPECT_THAT(
      rules(call(1, "puts", "ns::C::f(char const*)", 1) + syscall("write", 1) +
            call(2, "puts", "a[b]c", 1) + syscall("read", 2) + call(3, "puts", "f:when=7", 1) +
            syscall("close", 3) + call(4, "Box::get", "main", 1) + syscall("fsync", 4)),
      ElementsAre("write@puts:from=ns::C::f@prog:error=EIO:when=1",
                  "read@puts:from=@prog:error=EIO:when=1", "close@puts:from=@prog:error=EIO:when=1",
                  "fsync:from=main@prog:error=EIO:when=1"));
}

TEST_F(ExplorePoints, OutsideOfCallsTheSyscallAloneIsNamed) {
  const std::string trace =
      syscall("read", 0) + call(1, "puts", "main", 1) + syscall("read", 1) + syscall("write", 0);
  EXPECT_THAT(rules(trace),
              ElementsAre("read:error=EIO:when=1", "read@puts:from=main@prog:error=EIO:when=1",
                          "write:error=EIO:when=1"));
  EXPECT_EQ(point_text(points(trace)[0]), "read");
}

TEST_F(ExplorePoints, ThreadsAndExecutedProgramsAreCountedTogether) {
  const std::string two = call(1, "puts", "main", 1) + syscall("write", 1) + syscall("write", 1, 2);
  EXPECT_THAT(rules(two), ElementsAre("write@puts:from=main@prog:error=EIO:when=1:count=run"));
  EXPECT_THAT(rules(R"({"type":"process","pid":1,"event":"exec"})"
                    "\n" +
                    call(1, "puts", "main", 1) + syscall("write", 1)),
              ElementsAre("write@puts:from=main@prog:error=EIO:when=1:count=run"));
}

TEST_F(ExplorePoints, AFunctionIsNotNamedWhereThatWouldWrapMore) {
  EXPECT_EQ(naming_for("@default", ""), Naming::WithFunction);
  EXPECT_EQ(naming_for("read,!@net @stdio", ""), Naming::WithFunction);
  EXPECT_EQ(naming_for("read@libz", ""), Naming::WithoutFunction);
  EXPECT_EQ(naming_for("@default", "f"), Naming::WithoutFunction);
  EXPECT_THAT(rules(call(1, "puts", "main", 1) + syscall("write", 1) + call(2, "f", "main", 1) +
                        syscall("write", 2),
                    Naming::WithoutFunction),
              ElementsAre("write:from=main@prog:error=EIO:when=1",
                          "write:from=main@prog:error=EIO:when=2"));
}

TEST_F(ExplorePoints, ATraceMayBeMissingOrCutOff) {
  EXPECT_THAT(read_trace(folder_ / "nothing")->syscalls, IsEmpty());
  const std::string whole = call(1, "puts", "main", 1) + syscall("write", 1);
  EXPECT_EQ(points(whole + R"({"type":"sysc)").size(), 1U);
  EXPECT_FALSE(read_trace(folder_.write("bad", "{\n" + whole)).ok());
  EXPECT_FALSE(read_trace(folder_.write("bad", R"({"type":"call","call":"x"})"
                                               "\n" +
                                                   whole))
                   .ok());
  // A call that is its own parent.
  EXPECT_EQ(points(call(1, "puts", "main", 1, R"(,"parent":1)") + syscall("write", 1)).size(), 1U);
}

TEST_F(ExplorePoints, TheTraceSaysWhoDied) {
  const auto trace = read_trace(folder_.write("trace", R"({"type":"process","pid":1,"event":"start"}
{"type":"process","pid":2,"event":"signal","signal":"SIGSEGV","stack":[{"symbol":"read","offset":13,"file":"r.c","line":2},{"object":"/bin/p","offset":7}]}
{"type":"process","pid":2,"event":"exit","killed":"SIGSEGV"}
{"type":"process","pid":1,"event":"exit","status":0,"thread":true}
)"));
  ASSERT_TRUE(trace.ok());
  EXPECT_FALSE(trace->program_ends);  // a thread of it did
  ASSERT_EQ(trace->deaths.size(), 1U);
  EXPECT_EQ(trace->deaths[0].signal, "SIGSEGV");
  EXPECT_THAT(trace->deaths[0].stack, ElementsAre("read+0xd at r.c:2", "p+0x7"));
}

}  // namespace
}  // namespace wc::explore

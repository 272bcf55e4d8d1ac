// From what an engine saw to what backends are told: order, ids, audiences.
#include <gmock/gmock.h>

#include <set>

#include "pipeline_fixture.h"

namespace wc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class PipelineTest : public PipelineFixture {};

// ---- order and identity

TEST_F(PipelineTest, CallThenItsSyscallsThenItsReturn) {
  enter("fopen");
  make_syscall("openat", {0, 0, 0}, 3);
  make_syscall("fstat", {3, 0}, 0);
  leave(0x55d0c0);
  EXPECT_THAT(story(), ElementsAre("call fopen", "syscall openat", "syscall fstat", "return"));
  const auto all = events();
  for (const Json& event : all) EXPECT_EQ(event["call"], all[0]["call"]);
  EXPECT_EQ(all[3]["ret"], "0x55d0c0");
  EXPECT_EQ(all[1]["function"], "fopen");
  EXPECT_EQ(all[0]["library"], "libc.so.6");
}

TEST_F(PipelineTest, NestedCallsKnowTheirParentsAndChain) {
  enter("fopen");
  enter("malloc", {472});
  make_syscall("brk", {0}, 0x1000);
  leave(0x1000);
  make_syscall("openat", {0, 0, 0}, 3);
  leave(0x1000);
  EXPECT_THAT(story(), ElementsAre("call fopen", "call malloc", "syscall brk", "return",
                                   "syscall openat", "return"));
  const auto all = events();
  EXPECT_FALSE(all[0].contains("parent"));
  EXPECT_EQ(all[0]["depth"], 0);
  EXPECT_EQ(all[1]["parent"], all[0]["call"]);
  EXPECT_EQ(all[1]["depth"], 1);
  EXPECT_EQ(all[2]["call"], all[1]["call"]);
  EXPECT_THAT(all[2]["chain"], ElementsAre("fopen", "malloc"));
  EXPECT_EQ(all[4]["call"], all[0]["call"]);
  EXPECT_FALSE(all[4].contains("chain"));
}

TEST_F(PipelineTest, CallsWithoutSyscallsLeaveNothingBehind) {
  for (int i = 0; i < 3; i++) {
    enter("malloc", {8});
    scopes_.pop_back();
  }
  make_syscall("getpid", {}, 10);
  EXPECT_THAT(story(), ElementsAre("syscall getpid"));
  EXPECT_FALSE(events()[0].contains("call")) << "outside of every call";
  EXPECT_FALSE(events()[0].contains("function"));
}

TEST_F(PipelineTest, IdsAreUniqueOverThreadsAndNeverZero) {
  CallStack other;
  std::set<uint64_t> ids;
  for (int i = 0; i < 3; i++) {
    enter("fopen");
    make_syscall("openat", {0, 0, 0}, 3);
    leave();
    EventSource second = source(11);
    second.calls = &other;
    wc_scope scope{};
    scope.seq = static_cast<uint64_t>(i) + 1;  // threads number their calls from 1, too
    PendingSyscall pending;
    pending.nr = 39;
    pipeline_->drop_missing(second, {&scope, 1});
    pipeline_->open_calls(second, {&scope, 1}, true, false);
    pipeline_->syscall_enter(second, pending);
    pipeline_->syscall_exit(second, pending, 1, TickClock::now());
  }
  for (const Json& event : events())
    if (event["type"] == "call") ids.insert(event["call"].get<uint64_t>());
  EXPECT_THAT(ids, SizeIs(6));
  EXPECT_EQ(ids.count(0), 0u);
}

TEST_F(PipelineTest, ReturnsNeverSeenAreUnwoundInnermostFirst) {
  enter("fopen");
  enter("malloc");
  make_syscall("brk", {0}, 0);
  scopes_.clear();
  enter("free");
  make_syscall("munmap", {0, 0}, 0);
  EXPECT_THAT(story(), ElementsAre("call fopen", "call malloc", "syscall brk", "return unwound",
                                   "return unwound", "call free", "syscall munmap"));
  EXPECT_EQ(events()[3]["call"], events()[1]["call"]);
  EXPECT_FALSE(events()[3].contains("ret"));
}

TEST_F(PipelineTest, UnwoundRecordsEndCallsWithoutAValue) {
  enter("fopen");
  make_syscall("openat", {0, 0, 0}, 3);
  leave(5, WC_RECORD_UNWOUND);
  EXPECT_EQ(events().back()["unwound"], true);
  EXPECT_FALSE(events().back().contains("ret"));
}

// ---- audiences

TEST_F(PipelineTest, CallsWithoutSyscallsGoToThoseWhoWantAllCallsOnly) {
  open({PATH_fixture_recorder, PATH_fixture_all_calls});
  enter("malloc");
  stop_for_all_calls();
  leave();
  EXPECT_THAT(lines(0), ElementsAre("open -"));
  EXPECT_THAT(lines(1), ElementsAre("open -", "call malloc", "ret malloc"));
}

TEST_F(PipelineTest, FirstSyscallTellsTheOthersOfTheOpenCallsOnce) {
  open({PATH_fixture_recorder, PATH_fixture_all_calls});
  enter("fopen");
  stop_for_all_calls();
  enter("malloc");
  stop_for_all_calls();
  make_syscall("brk", {0}, 0);
  make_syscall("brk", {0}, 0);
  leave();
  enter("free");
  stop_for_all_calls();
  leave();
  leave();
  EXPECT_THAT(lines(0), ElementsAre("open -", "call fopen", "call malloc", "syscall brk",
                                    "syscall brk", "ret malloc", "ret fopen"));
  EXPECT_THAT(lines(1),
              ElementsAre("open -", "call fopen", "call malloc", "syscall brk", "syscall brk",
                          "ret malloc", "call free", "ret free", "ret fopen"));
}

TEST_F(PipelineTest, AllCallsOptionShowsCallsWithoutSyscalls) {
  HostOptions options;
  options.all_calls = true;
  open({"json"}, options);
  enter("malloc", {8});
  stop_for_all_calls();
  leave(0x10);
  EXPECT_THAT(story(), ElementsAre("call malloc", "return"));
}

TEST_F(PipelineTest, EntriesGoToThoseWhoAskedForThem) {
  open({PATH_fixture_enter, PATH_fixture_recorder});
  enter("fopen");
  PendingSyscall pending = begin_syscall("openat", {0, 0, 0});
  EXPECT_THAT(lines(0), ElementsAre("open -", "call fopen", "enter openat"));
  pipeline_->syscall_exit(source(), pending, 3, TickClock::now());
  EXPECT_THAT(lines(0), ElementsAre("open -", "call fopen", "enter openat", "syscall openat"));
  EXPECT_THAT(lines(1), ElementsAre("open -", "call fopen", "syscall openat"));
}

// ---- values

TEST_F(PipelineTest, FailedSyscallHasItsErrorAndMinusOne) {
  enter("fopen");
  make_syscall("openat", {uint64_t(-100), memory_.put_string("/none"), 0}, -2);
  const Json syscall = events()[1];
  EXPECT_EQ(syscall["ret"], -1);
  EXPECT_EQ(syscall["error"], "ENOENT");
  EXPECT_EQ(syscall["text"],
            "openat(AT_FDCWD, \"/none\", O_RDONLY) = -1 ENOENT (No such file or directory)");
}

TEST_F(PipelineTest, LargeResultsAreNoErrors) {
  enter("fopen");
  make_syscall("mmap", {0, 4096, 0, 0, 0, 0}, -4096);
  EXPECT_FALSE(events()[1].contains("error"));
  EXPECT_EQ(events()[1]["ret"], "0xfffffffffffff000");
}

TEST_F(PipelineTest, SyscallThatNeverCameBackHasNoResult) {
  enter("exit", {3});
  PendingSyscall pending = begin_syscall("exit_group", {3});
  pipeline_->syscall_ended(source(), pending);
  const Json syscall = events()[1];
  EXPECT_FALSE(syscall.contains("ret"));
  EXPECT_EQ(syscall["text"], "exit_group(3) = ?");
}

TEST_F(PipelineTest, InterruptedSyscallIsReportedOnceWithItsLastResult) {
  enter("read");
  PendingSyscall pending = begin_syscall("read", {0, 0, 1});
  // A handler runs inside of it and makes a syscall of its own.
  PendingSyscall inner;
  inner.nr = static_cast<uint32_t>(syscall_number("getpid"));
  inner.in_signal = true;
  pipeline_->syscall_enter(source(), inner);
  pipeline_->syscall_exit(source(), inner, 10, TickClock::now());
  pipeline_->syscall_exit(source(), pending, -4, TickClock::now());
  const auto all = events();
  ASSERT_THAT(story(), ElementsAre("call read", "syscall getpid", "syscall read"));
  EXPECT_EQ(all[1]["signal"], true);
  EXPECT_EQ(all[2]["error"], "EINTR");
  EXPECT_FALSE(all[2].contains("signal"));
}

TEST_F(PipelineTest, FunctionOutsideOfTheTableIsAQuestionMark) {
  for (uint32_t index : {static_cast<uint32_t>(table_.functions.size()), 0xffffffffu}) {
    enter(index);
    make_syscall("getpid", {}, 1);
    leave(7);
  }
  for (const Json& event : events())
    if (event["type"] == "call") {
      EXPECT_EQ(event["function"], "?");
    }
  EXPECT_THAT(story(), SizeIs(6));
}

TEST_F(PipelineTest, TextShowsStringsAndErrnoOfACall) {
  open({"text"});
  enter("fopen", {memory_.put_string("/etc/hosts"), memory_.put_string("r")});
  make_syscall("openat", {uint64_t(-100), memory_.put_string("/etc/hosts"), 0}, -13);
  leave(0, WC_RECORD_RETURN, 13);
  pipeline_->backends().close();
  const std::string text = read_file(folder_ / "0");
  EXPECT_THAT(text, HasSubstr("fopen(\"/etc/hosts\", \"r\")"));
  EXPECT_THAT(text, HasSubstr("= -1 EACCES"));
  EXPECT_THAT(text, HasSubstr("NULL"));
}

TEST_F(PipelineTest, ReportedSyscallsAreThoseOfTheFilter) {
  open({"json"}, {}, "openat,read");
  EXPECT_TRUE(pipeline_->reports(static_cast<uint32_t>(syscall_number("openat"))));
  EXPECT_FALSE(pipeline_->reports(static_cast<uint32_t>(syscall_number("close"))));
  EXPECT_TRUE(pipeline_->reports(100'000)) << "nobody can have excluded it by name";
}

TEST_F(PipelineTest, ProcessEventsAndLossesArePassedOn) {
  pipeline_->started(10, "/bin/x");
  pipeline_->forked(10, 10, 12, false);
  pipeline_->executed(12, 12, "/bin/y");
  pipeline_->lost(12, 5);
  pipeline_->exited(12, 12, 9, false);
  const auto all = events();
  ASSERT_THAT(all, SizeIs(5));
  EXPECT_EQ(all[0]["path"], "/bin/x");
  EXPECT_EQ(all[1]["child"], 12);
  EXPECT_EQ(all[2]["path"], "/bin/y");
  EXPECT_EQ(all[3]["count"], 5);
  EXPECT_EQ(all[4]["killed"], "SIGKILL");
}

TEST_F(PipelineTest, TimesNeverRunBackwards) {
  enter("fopen");
  make_syscall("openat", {0, 0, 0}, 3);
  leave(0, WC_RECORD_RETURN, 0, 1);  // a stamp from long before the call
  enter("fopen");
  make_syscall("openat", {0, 0, 0}, 3);
  const uint64_t before = TickClock::now();
  leave(0, WC_RECORD_RETURN, 0, ~uint64_t{0});  // and one from the end of time
  for (const Json& event : events()) {
    EXPECT_GT(event["ts"].get<uint64_t>(), 0u);
    EXPECT_LE(event["ts"].get<uint64_t>(), TickClock::now());
    if (event.contains("dur")) {
      EXPECT_LT(event["dur"].get<uint64_t>(), 60'000'000'000u);
    }
  }
  EXPECT_GE(events().back()["ts"].get<uint64_t>(), before);
  EXPECT_GE(events()[2]["ts"].get<uint64_t>(), events()[0]["ts"].get<uint64_t>());
}

}  // namespace
}  // namespace wc

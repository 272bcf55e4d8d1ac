#include <gmock/gmock.h>
#include <time.h>

#include <regex>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::SizeIs;

constexpr uint64_t kMillisecond = 1'000'000;
constexpr int32_t kOther = kPid + 1;

class TextTest : public testing::Test {
 protected:
  TestHost host_{text_backend()};
};

wc_caller hello_c(uint64_t offset, uint32_t line) {
  return {.address = 0x401000 + offset,
          .object = "/tmp/hello",
          .symbol = "main",
          .offset = offset,
          .file = "hello.c",
          .line = line};
}

// The example of the manual page, byte by byte.
TEST_F(TextTest, HasTheShapeOfTheContract) {
  wc_call open = call_event(1, "fopen", R"("/etc/hosts", "r")");
  open.caller = hello_c(0x1c, 7);
  host_.send(open);
  host_.send(syscall_event(1, "openat", R"(AT_FDCWD, "/etc/hosts", O_RDONLY)", "3"));
  host_.send(return_event(1, "fopen", "0x55d0c0"));
  wc_call print = call_event(2, "printf", R"("hello %d\n", 3)");
  print.caller = hello_c(0x40, 9);
  host_.send(print);
  host_.send(syscall_event(2, "write", R"(1, "hello 3\n", 8)", "8"));
  host_.send(return_event(2, "printf", "8"));
  host_.send(process_event(WC_PROCESS_EXIT));
  EXPECT_EQ(host_.take(), "fopen(\"/etc/hosts\", \"r\") = 0x55d0c0" + std::string(37, ' ') +
                              "<main+0x1c at hello.c:7>\n"
                              "  openat(AT_FDCWD, \"/etc/hosts\", O_RDONLY) = 3\n"
                              "printf(\"hello %d\\n\", 3) = 8" +
                              std::string(45, ' ') +
                              "<main+0x40 at hello.c:9>\n"
                              "  write(1, \"hello 3\\n\", 8) = 8\n"
                              "+++ exited with 0 +++\n");
}

TEST_F(TextTest, NestedCallsAreIndentedAndGetTheirValues) {
  host_.send(call_event(1, "fopen", "\"x\", \"r\""));
  host_.send(call_event(2, "malloc", "552", 1));
  host_.send(syscall_event(2, "brk", "NULL", "0x1000", 1));
  host_.send(return_event(2, "malloc", "0x2a0", 1));
  host_.send(
      syscall_event(1, "openat", "AT_FDCWD, \"x\"", "-1 ENOENT (No such file or directory)"));
  EXPECT_THAT(host_.take(), IsEmpty()) << "printed before the value was known";
  host_.send(return_event(1, "fopen", "NULL"));
  EXPECT_THAT(
      host_.take_lines(),
      ElementsAre("fopen(\"x\", \"r\") = NULL", "  malloc(552) = 0x2a0", "    brk(NULL) = 0x1000",
                  "  openat(AT_FDCWD, \"x\") = -1 ENOENT (No such file or directory)"));
}

TEST_F(TextTest, VoidAndUnwoundAndMissingResults) {
  host_.send(call_event(1, "free", "0x1234"));
  host_.send(return_event(1, "free", ""));
  host_.send(call_event(2, "qsort", "0x1"));
  wc_return unwound = return_event(2, "qsort", "");
  unwound.flags = WC_RETURN_UNWOUND;
  host_.send(unwound);
  wc_syscall exit = syscall_event(0, "exit_group", "0", "garbage");
  exit.flags = WC_SYSCALL_NO_RESULT;
  host_.send(exit);
  EXPECT_THAT(host_.take_lines(), ElementsAre("free(0x1234) = <void>", "qsort(0x1) = ? <unwound>",
                                              "exit_group(0) = ?"));
}

TEST_F(TextTest, SyscallsOutsideOfCallsAreNotIndentedAndNotHeld) {
  host_.send(syscall_event(0, "brk", "NULL", "0x1000"));
  EXPECT_EQ(host_.take(), "brk(NULL) = 0x1000\n");
}

TEST_F(TextTest, CallersWithoutLineOrSymbol) {
  const auto caller_of = [&](const wc_caller& caller) {
    wc_call call = call_event(1, "f", "");
    call.caller = caller;
    host_.send(call);
    host_.send(return_event(1, "f", "0"));
    const std::string line = host_.take();
    return line.substr(std::min(line.find_first_of('<'), line.size()));
  };
  EXPECT_EQ(caller_of({.address = 1, .object = "/bin/ls", .symbol = "main", .offset = 28}),
            "<main+0x1c in ls>\n");
  EXPECT_EQ(caller_of({.address = 1, .object = "/bin/ls", .offset = 28}), "<ls+0x1c>\n");
  EXPECT_EQ(caller_of({.address = 0x7f00}), "<0x7f00>\n");
  EXPECT_EQ(caller_of({}), "");
}

TEST_F(TextTest, ALongLineKeepsTwoSpacesBeforeItsCaller) {
  wc_call call = call_event(1, "puts", "");
  const std::string args(200, 'x');
  call.args_text = args.c_str();
  call.caller = hello_c(1, 2);
  host_.send(call);
  host_.send(return_event(1, "puts", "1"));
  EXPECT_THAT(host_.take(), HasSubstr("x) = 1  <main+0x1 at"));
}

TEST_F(TextTest, NamesAndPathsAreEscaped) {
  wc_call call = call_event(1, "\033[2Jevil", "");
  call.caller = {.address = 1, .object = "/tmp/a\nb", .symbol = "x\0337\x9b\\", .offset = 1};
  host_.send(call);
  host_.send(return_event(1, "\033[2Jevil", "0"));
  host_.send(return_event(9, "\033[2Jevil", "0"));
  host_.send(wc_object{.pid = kPid, .path = "/tmp/\033]0;\a.so", .how = "needed", .by = "\r"});
  const std::string text = host_.take();
  EXPECT_THAT(text, HasSubstr("\\33[2Jevil() = 0"));
  EXPECT_THAT(text, HasSubstr("<x\\0337\\233\\\\+0x1 in a\\nb>"));
  EXPECT_THAT(text, HasSubstr("<... \\33[2Jevil resumed>"));
  EXPECT_THAT(text, HasSubstr("--- loaded /tmp/\\33]0;\\7.so at 0x0 (needed by \\r) ---"));
  EXPECT_FALSE(std::regex_search(text, std::regex("[^\n -~]")));
}

TEST_F(TextTest, PrefixAppearsWithTheSecondThreadAndStays) {
  host_.send(syscall_event(0, "getpid", "", "1"));
  EXPECT_EQ(host_.take(), "getpid() = 1\n");
  host_.send(on_thread(syscall_event(0, "gettid", "", "2"), kOther));
  EXPECT_EQ(host_.take(), "[pid 4313] gettid() = 2\n");
  wc_process exit = on_thread(process_event(WC_PROCESS_EXIT), kOther);
  exit.thread = 1;
  host_.send(exit);
  host_.send(syscall_event(0, "getpid", "", "1"));
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("[pid 4313] +++ exited with 0 +++", "[pid 4312] getpid() = 1"));
}

TEST_F(TextTest, PrefixIsCountedForTheColumn) {
  host_.send(process_event(WC_PROCESS_FORK));
  wc_call call = call_event(1, "f", "");
  call.caller = hello_c(1, 2);
  host_.send(call);
  host_.send(return_event(1, "f", "0"));
  EXPECT_EQ(host_.take().find('<'), 72U);
}

TEST_F(TextTest, ThreadsDoNotMixTheirBlocks) {
  host_.send(call_event(1, "a", ""));
  host_.send(on_thread(call_event(2, "b", ""), kOther));
  host_.send(syscall_event(1, "read", "", "1"));
  host_.send(on_thread(syscall_event(2, "write", "", "2"), kOther));
  host_.send(on_thread(return_event(2, "b", "2"), kOther));
  host_.send(return_event(1, "a", "1"));
  EXPECT_THAT(host_.take_lines(), ElementsAre("[pid 4313] b() = 2", "[pid 4313]   write() = 2",
                                              "[pid 4312] a() = 1", "[pid 4312]   read() = 1"));
}

TEST_F(TextTest, ALongCallIsReleasedAfterTwoHundredMilliseconds) {
  wc_call call = call_event(1, "getchar", "");
  call.ts = 10 * kMillisecond;
  call.caller = hello_c(1, 2);
  host_.send(call);
  host_.flush(call.ts + 199 * kMillisecond);
  EXPECT_THAT(host_.take(), IsEmpty());
  host_.flush(call.ts + 200 * kMillisecond);
  EXPECT_THAT(host_.take(),
              MatchesRegex("getchar\\( <unfinished ...> +<main\\+0x1 at hello.c:2>\n"));
  host_.send(syscall_event(1, "read", "0", "1"));
  EXPECT_EQ(host_.take(), "  read(0) = 1\n");
  host_.send(return_event(1, "getchar", "97"));
  EXPECT_EQ(host_.take(), "<... getchar resumed>) = 97\n");
}

TEST_F(TextTest, ACallInsideAReleasedOneIsHeldInItsTurn) {
  wc_call outer = call_event(1, "qsort", "");
  host_.send(outer);
  host_.flush(outer.ts + 300 * kMillisecond);
  host_.take();
  host_.send(call_event(2, "puts", "\"x\"", 1));
  host_.send(syscall_event(2, "write", "1", "2", 1));
  EXPECT_THAT(host_.take(), IsEmpty());
  host_.send(return_event(2, "puts", "2", 1));
  EXPECT_THAT(host_.take_lines(), ElementsAre("  puts(\"x\") = 2", "    write(1) = 2"));
  wc_return unwound = return_event(1, "qsort", "");
  unwound.flags = WC_RETURN_UNWOUND;
  host_.send(unwound);
  EXPECT_EQ(host_.take(), "<... qsort resumed>) = ? <unwound>\n");
}

TEST_F(TextTest, BlocksAreReleasedOldestFirst) {
  for (int32_t tid = 20; tid > 0; --tid) {
    wc_call call = on_thread(call_event(1, "f", ""), tid);
    call.ts = static_cast<uint64_t>((tid * 7) % 23);
    host_.send(call);
  }
  host_.flush(UINT64_MAX);
  int last = 0;
  for (const std::string& line : host_.take_lines()) {
    const int ts = std::stoi(line.substr(5)) * 7 % 23;
    EXPECT_GT(ts, last) << line;
    last = ts;
  }
}

// A call whose return got lost must not hold its thread's lines for ever.
TEST_F(TextTest, SkippedReturnsAreUnwound) {
  host_.send(call_event(1, "outer", ""));
  host_.send(call_event(2, "inner", "", 1));
  host_.send(return_event(1, "outer", "0"));
  EXPECT_THAT(host_.take_lines(), ElementsAre("outer() = 0", "  inner() = ? <unwound>"));

  host_.send(call_event(3, "outer", ""));
  host_.flush(UINT64_MAX);
  host_.send(call_event(4, "inner", "", 1));
  host_.send(return_event(3, "outer", "0"));
  EXPECT_THAT(host_.take_lines(), ElementsAre("outer( <unfinished ...>", "  inner() = ? <unwound>",
                                              "<... outer resumed>) = 0"));
}

TEST_F(TextTest, ForkReleasesAndTheChildsReturnStandsAlone) {
  host_.send(call_event(1, "fork", ""));
  wc_process fork = process_event(WC_PROCESS_FORK);
  fork.child = kOther;
  host_.send(fork);
  EXPECT_EQ(host_.take(), "[pid 4312] fork( <unfinished ...>\n");
  host_.send(syscall_event(1, "clone", "", "4313"));
  host_.send(return_event(1, "fork", "4313"));
  wc_return child = on_thread(return_event(1, "fork", "0"), kOther);
  child.pid = kOther;
  host_.send(child);
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("[pid 4312]   clone() = 4313", "[pid 4312] <... fork resumed>) = 4313",
                          "[pid 4313] <... fork resumed>) = 0"));
}

TEST_F(TextTest, TooManyHeldBytesAreReleased) {
  const std::string data(1000, 'x');
  host_.send(call_event(1, "fwrite", ""));
  size_t sent = 0;
  while (host_.take().empty()) {
    host_.send(syscall_event(1, "write", data.c_str(), "1"));
    sent += data.size();
    ASSERT_LT(sent, size_t{300} << 10) << "held without bound";
  }
  EXPECT_GT(sent, size_t{200} << 10);
}

// However many threads hold back a little less than each may.
TEST_F(TextTest, AllThreadsTogetherHoldABoundedAmount) {
  const std::string data(200'000, 'x');
  size_t written = 0;
  for (int32_t tid = 1; tid <= 200; ++tid) {
    host_.send(on_thread(call_event(1, "fwrite", ""), tid));
    host_.send(on_thread(syscall_event(1, "write", data.c_str(), "1"), tid));
    written += host_.take().size();
  }
  EXPECT_GT(written, size_t{5'000'000});
}

TEST_F(TextTest, SignalsKeepTheirPlace) {
  host_.send(call_event(1, "sleep", "5"));
  host_.send(syscall_event(1, "clock_nanosleep", "", "? ERESTART"));
  wc_process signal = process_event(WC_PROCESS_SIGNAL);
  signal.signal = 2;
  signal.text = "SIGINT {si_signo=SIGINT, si_code=SI_USER}";
  host_.send(signal);
  EXPECT_THAT(host_.take(), IsEmpty());
  wc_syscall in_handler = syscall_event(1, "write", "1", "2");
  in_handler.flags = WC_SYSCALL_IN_SIGNAL;
  host_.send(in_handler);
  host_.send(return_event(1, "sleep", "4"));
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("sleep(5) = 4", "  clock_nanosleep() = ? ERESTART",
                          "--- SIGINT {si_signo=SIGINT, si_code=SI_USER} ---", "  write(1) = 2"));
}

TEST_F(TextTest, DeathsAndOpenCallsAtDeath) {
  host_.send(call_event(1, "raise", "11"));
  wc_process death = process_event(WC_PROCESS_EXIT);
  death.status = 11 | 0x80;
  host_.send(death);
  death.status = 9;
  host_.send(death);
  death.status = 3 << 8;
  host_.send(death);
  death.status = 34;
  host_.send(death);
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("raise(11 <unfinished ...>", "+++ killed by SIGSEGV (core dumped) +++",
                          "+++ killed by SIGKILL +++", "+++ exited with 3 +++",
                          "+++ killed by SIGRT_2 +++"));
}

TEST_F(TextTest, StartForkAndExecPrintNothing) {
  host_.send(process_event(WC_PROCESS_START));
  host_.send(process_event(WC_PROCESS_FORK));
  host_.send(process_event(WC_PROCESS_EXEC));
  EXPECT_THAT(host_.take(), IsEmpty());
}

TEST_F(TextTest, LostEventsReleaseTheirProcess) {
  host_.send(call_event(1, "puts", ""));
  host_.send(wc_lost{.ts = 2000, .pid = kPid, .count = 17});
  EXPECT_THAT(host_.take_lines(), ElementsAre("puts( <unfinished ...>", "+++ lost 17 events +++"));
}

TEST_F(TextTest, ObjectsStandInTheCallThatLoadedThem) {
  host_.send(call_event(1, "dlopen", "\"libm.so.6\""));
  host_.send(wc_object{.pid = kPid,
                       .base = 0x7f00,
                       .path = "/lib/libm.so.6",
                       .how = "dlopen",
                       .by = "/bin/x",
                       .tid = kPid});
  host_.send(return_event(1, "dlopen", "0x55"));
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("dlopen(\"libm.so.6\") = 0x55",
                          "--- loaded /lib/libm.so.6 at 0x7f00 (dlopen by /bin/x) ---"));
}

TEST_F(TextTest, CloseWritesWhatIsHeld) {
  host_.send(call_event(1, "pause", ""));
  host_.close();
  EXPECT_EQ(host_.take(), "pause( <unfinished ...>\n");
}

TEST(TextOptionsTest, HoldZeroPrintsEveryLineAtOnce) {
  TestHost host(text_backend(), {{"hold", "0"}, {"column", "30"}});
  wc_call call = call_event(1, "f", "");
  call.caller = {.address = 1, .object = "x", .offset = 2};
  host.send(call);
  EXPECT_EQ(host.take(), "f( <unfinished ...>           <x+0x2>\n");
}

TEST(TextOptionsTest, RefusesWhatIsNoNumber) {
  EXPECT_THAT(TestHost(text_backend(), {{"hold", "fast"}}).error(), HasSubstr("'hold'"));
  EXPECT_THAT(TestHost(text_backend(), {{"hold", "-1"}}).error(), HasSubstr("'hold'"));
  EXPECT_THAT(TestHost(text_backend(), {{"column", "72x"}}).error(), HasSubstr("'column'"));
}

TEST(TextTimeTest, DurationsAsStrace) {
  TestHost host(text_backend(), {}, {.show_duration = 1});
  host.send(call_event(1, "f", ""));
  host.send(syscall_event(1, "read", "", "0"));
  wc_return ret = return_event(1, "f", "0");
  ret.dur = 2'000'001'999;
  host.send(ret);
  EXPECT_THAT(host.take_lines(), ElementsAre("f() = 0 <2.000001>", "  read() = 0 <0.000042>"));
}

TEST(TextTimeTest, RelativeNeverGoesBack) {
  TestHost host(text_backend(), {}, {.time_format = 4});
  const auto at = [](uint64_t ts) {
    wc_syscall event = syscall_event(0, "x", "", "0");
    event.ts = ts;
    return event;
  };
  host.send(at(5'000'000'000));
  host.send(at(6'500'001'000));
  host.send(at(6'000'000'000));
  host.send(at(6'500'002'000));
  EXPECT_THAT(host.take_lines(), ElementsAre("     0.000000 x() = 0", "     1.500001 x() = 0",
                                             "     0.000000 x() = 0", "     0.000001 x() = 0"));
}

TEST(TextTimeTest, WallClock) {
  ::setenv("TZ", "UTC", 1);
  TestHost epoch(text_backend(), {}, {.time_format = 3});
  TestHost seconds(text_backend(), {}, {.time_format = 1});
  TestHost micros(text_backend(), {}, {.time_format = 2});
  timespec monotonic = {};
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  const time_t before = time(nullptr);
  wc_syscall event = syscall_event(0, "x", "", "0");
  event.ts = static_cast<uint64_t>(monotonic.tv_sec) * 1'000'000'000 + monotonic.tv_nsec;
  epoch.send(event);
  seconds.send(event);
  micros.send(event);

  const std::string stamp = epoch.take();
  ASSERT_THAT(stamp, MatchesRegex("[0-9]+\\.[0-9][0-9][0-9][0-9][0-9][0-9] x\\(\\) = 0\n"));
  const time_t shown = std::stoll(stamp);
  EXPECT_NEAR(static_cast<double>(shown), static_cast<double>(before), 1.0);
  char clock[16];
  tm utc = {};
  strftime(clock, sizeof clock, "%H:%M:%S", gmtime_r(&shown, &utc));
  EXPECT_EQ(seconds.take(), std::string(clock) + " x() = 0\n");
  EXPECT_THAT(micros.take(),
              MatchesRegex(std::string(clock) + "\\.[0-9][0-9][0-9][0-9][0-9][0-9] x.*\n"));
}

TEST(TextTimeTest, StampFollowsThePrefix) {
  TestHost host(text_backend(), {}, {.time_format = 4});
  host.send(process_event(WC_PROCESS_FORK));
  host.send(syscall_event(0, "x", "", "0"));
  EXPECT_EQ(host.take(), "[pid 4312]      0.000000 x() = 0\n");
}

// Full-process mode: syscalls outside of every call, of several threads.

wc_syscall outside(int32_t tid, const char* name, const char* args, const char* ret = nullptr) {
  wc_syscall event = syscall_event(0, name, args, ret);
  event.tid = tid;
  event.call = 0;
  return event;
}

TEST_F(TextTest, AnUndisturbedSyscallIsOneLine) {
  host_.enter(outside(kPid, "read", "3, "));
  EXPECT_EQ(host_.take(), "");
  host_.send(outside(kPid, "read", "3, \"abc\", 10", "3"));
  EXPECT_EQ(host_.take(), "read(3, \"abc\", 10) = 3\n");
}

TEST_F(TextTest, AnotherThreadsLineCutsItInTwo) {
  host_.enter(outside(kPid, "read", "3, "));
  host_.enter(outside(kOther, "close", "4"));
  host_.send(outside(kOther, "close", "4", "0"));
  host_.send(outside(kPid, "read", "3, \"abc\", 10", "3"));
  const std::string one = "[pid " + std::to_string(kPid) + "] ";
  const std::string two = "[pid " + std::to_string(kOther) + "] ";
  EXPECT_EQ(host_.take(), one + "read(3,  <unfinished ...>\n" + two + "close(4) = 0\n" + one +
                              "<... read resumed>\"abc\", 10) = 3\n");
}

TEST(TextTimeTest, TheSecondPartOfACutLineHasATimeOfItsOwn) {
  TestHost host(text_backend(), {}, {.time_format = 4});
  wc_syscall slow = outside(kPid, "read", "3, "), other = outside(kOther, "close", "4");
  slow.ts = 1'000 * kMillisecond;
  other.ts = 2'000 * kMillisecond;
  host.enter(slow);
  host.enter(other);
  other = outside(kOther, "close", "4", "0");
  other.ts = 2'000 * kMillisecond;
  host.send(other);
  slow = outside(kPid, "read", "3, \"abc\", 10", "3");
  slow.ts = 1'000 * kMillisecond;
  slow.dur = 2'500 * kMillisecond;
  host.send(slow);
  EXPECT_THAT(host.take(), HasSubstr("     1.500000 <... read resumed>"));
}

TEST_F(TextTest, ArgumentsThatChangedArePrintedAgain) {
  host_.enter(outside(kPid, "io_uring_setup", "8, {flags=0}"));
  host_.enter(outside(kOther, "close", "4"));
  host_.send(outside(kPid, "io_uring_setup", "8, {flags=0, features=1}", "3"));
  EXPECT_THAT(host_.take(),
              HasSubstr("<... io_uring_setup resumed>8, {flags=0, features=1}) = 3\n"));
}

TEST_F(TextTest, ASyscallThatTakesLongIsShownByFlush) {
  wc_syscall event = outside(kPid, "pause", "");
  event.ts = 1'000 * kMillisecond;
  host_.enter(event);
  host_.flush(1'100 * kMillisecond);
  EXPECT_EQ(host_.take(), "");
  host_.flush(1'300 * kMillisecond);
  EXPECT_EQ(host_.take(), "pause( <unfinished ...>\n");
}

TEST_F(TextTest, SyscallsInsideCallsStayInTheirBlocks) {
  host_.send(call_event(1, "fopen", "\"x\", \"r\""));
  host_.enter(syscall_event(1, "openat", "AT_FDCWD, \"x\"", nullptr));
  host_.enter(outside(kOther, "close", "4"));
  EXPECT_THAT(host_.take(), Not(HasSubstr("openat")));
}

}  // namespace
}  // namespace wc::backends

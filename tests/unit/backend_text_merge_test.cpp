// One line for a call that is its own syscall, and whose line must stay.
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kMillisecond = 1'000'000;

class TextMergeTest : public testing::Test {
 protected:
  void write_call(const char* result, uint64_t id = 1) {
    host_.send(call_event(id, "write", "1, \"x\", 1"));
    host_.send(syscall_event(id, "write", "1, \"x\", 1", result));
  }

  TestHost host_{text_backend()};
};

TEST_F(TextMergeTest, OneLineWithTheCaller) {
  wc_call call = call_event(1, "write", "1, \"x\", 1");
  call.caller = {.address = 1, .object = "/bin/prog", .symbol = "main", .offset = 0x40};
  host_.send(call);
  host_.send(syscall_event(1, "write", "1, \"x\", 1", "1"));
  host_.send(return_event(1, "write", "1"));
  EXPECT_EQ(host_.take(),
            "write(1, \"x\", 1) = 1" + std::string(52, ' ') + "<main+0x40 in prog>\n");
}

TEST_F(TextMergeTest, WhatTheCallWroteCounts) {
  host_.send(call_event(1, "read", "0, 0x7ffe00, 3"));
  host_.send(syscall_event(1, "read", "0, \"abc\", 3", "3"));
  wc_return ret = return_event(1, "read", "3");
  ret.args_text = "0, \"abc\", 3";
  host_.send(ret);
  EXPECT_THAT(host_.take_lines(), ElementsAre("read(0, \"abc\", 3) = 3"));
}

TEST_F(TextMergeTest, AnotherNameOrArgumentOrResultStays) {
  host_.send(call_event(1, "close", "3"));
  host_.send(syscall_event(1, "closer", "3", "0"));
  host_.send(return_event(1, "close", "0"));
  EXPECT_THAT(host_.take_lines(), ElementsAre("close(3) = 0", "  closer(3) = 0"));
  host_.send(call_event(2, "close", "3"));
  host_.send(syscall_event(2, "close", "4", "0"));
  host_.send(return_event(2, "close", "0"));
  EXPECT_THAT(host_.take_lines(), ElementsAre("close(3) = 0", "  close(4) = 0"));
  write_call("1", 3);
  host_.send(return_event(3, "write", "2"));
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("write(1, \"x\", 1) = 2", "  write(1, \"x\", 1) = 1"));
  // Words that only look alike when they are put together.
  host_.send(call_event(4, "f", "1) = 2"));
  host_.send(syscall_event(4, "f", "1", "2) = 3"));
  host_.send(return_event(4, "f", "3"));
  EXPECT_THAT(host_.take_lines(), ElementsAre("f(1) = 2) = 3", "  f(1) = 2) = 3"));
}

TEST_F(TextMergeTest, SeveralStay) {
  write_call("-1 EINTR (Interrupted system call)");
  host_.send(syscall_event(1, "write", "1, \"x\", 1", "1"));
  host_.send(return_event(1, "write", "1"));
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("write(1, \"x\", 1) = 1",
                          "  write(1, \"x\", 1) = -1 EINTR (Interrupted system call)",
                          "  write(1, \"x\", 1) = 1"));
}

TEST_F(TextMergeTest, EachCallOfAChainForItself) {
  host_.send(call_event(1, "write", "1, \"x\", 1"));
  host_.send(call_event(2, "write", "1, \"x\", 1", 1));
  host_.send(syscall_event(2, "write", "1, \"x\", 1", "1", 1));
  host_.send(return_event(2, "write", "1", 1));
  host_.send(return_event(1, "write", "1"));
  EXPECT_THAT(host_.take_lines(), ElementsAre("write(1, \"x\", 1) = 1", "  write(1, \"x\", 1) = 1"))
      << "the inner call has its syscall, the outer one its call";
}

TEST_F(TextMergeTest, SignalsKeepTheirPlace) {
  wc_process signal = process_event(WC_PROCESS_SIGNAL);
  signal.signal = 14;
  write_call("-1 EINTR (Interrupted system call)");
  host_.send(signal);
  host_.send(return_event(1, "write", "-1 EINTR (Interrupted system call)"));
  EXPECT_THAT(
      host_.take_lines(),
      ElementsAre("write(1, \"x\", 1) = -1 EINTR (Interrupted system call)", "--- SIGALRM ---"));
  host_.send(call_event(2, "write", "1, \"x\", 1"));
  host_.send(signal);
  host_.send(syscall_event(2, "write", "1, \"x\", 1", "1"));
  host_.send(return_event(2, "write", "1"));
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("write(1, \"x\", 1) = 1", "--- SIGALRM ---", "  write(1, \"x\", 1) = 1"));
}

TEST_F(TextMergeTest, ASyscallOfAHandlerIsNotTheCalls) {
  host_.send(call_event(1, "write", "1, \"x\", 1"));
  wc_syscall handlers = syscall_event(1, "write", "1, \"x\", 1", "1");
  handlers.flags = WC_SYSCALL_IN_SIGNAL;
  host_.send(handlers);
  host_.send(return_event(1, "write", "1"));
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("write(1, \"x\", 1) = 1", "  write(1, \"x\", 1) = 1"));
}

TEST_F(TextMergeTest, CutAndUnwoundCallsStay) {
  write_call("1");
  host_.flush(1000 + 200 * kMillisecond);
  host_.send(return_event(1, "write", "1"));
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("write(1, \"x\", 1 <unfinished ...>", "  write(1, \"x\", 1) = 1",
                          "<... write resumed>) = 1"));
  write_call("1", 2);
  wc_return unwound = return_event(2, "write", "");
  unwound.flags = WC_RETURN_UNWOUND;
  host_.send(unwound);
  EXPECT_THAT(host_.take_lines(),
              ElementsAre("write(1, \"x\", 1) = ? <unwound>", "  write(1, \"x\", 1) = 1"));
}

TEST_F(TextMergeTest, ACallThatNeverReturnsIsNotUnwound) {
  host_.send(call_event(1, "_exit", "0"));
  wc_syscall exits = syscall_event(1, "exit_group", "0", "?");
  exits.flags = WC_SYSCALL_NO_RESULT;
  host_.send(exits);
  wc_return ret = return_event(1, "_exit", "?");
  ret.flags = WC_RETURN_NEVER;
  host_.send(ret);
  EXPECT_THAT(host_.take_lines(), ElementsAre("_exit(0) = ?", "  exit_group(0) = ?"));
}

TEST(TextMergeOptionTest, OffShowsBoth) {
  TestHost host(text_backend(), {{"merge", "off"}});
  host.send(call_event(1, "close", "3"));
  host.send(syscall_event(1, "close", "3", "0"));
  host.send(return_event(1, "close", "0"));
  EXPECT_THAT(host.take_lines(), ElementsAre("close(3) = 0", "  close(3) = 0"));
  EXPECT_THAT(TestHost(text_backend(), {{"merge", "no"}}).error(), HasSubstr("on or off"));
}

TEST(TextMergeOptionTest, BothTimesStay) {
  TestHost host(text_backend(), {}, {.show_duration = 1});
  host.send(call_event(1, "close", "3"));
  host.send(syscall_event(1, "close", "3", "0"));
  wc_return ret = return_event(1, "close", "0");
  ret.dur = 1'000'000;
  host.send(ret);
  EXPECT_THAT(host.take_lines(), ElementsAre("close(3) = 0 <0.001000> <0.000042>"));
}

TEST(TextMergeOptionTest, TheLongerStackStays) {
  TestHost host(text_backend(), {}, {.stack_trace = 1});
  const auto frame = [](uint64_t at) {
    return wc_stack_frame{{.address = at, .object = "/bin/prog"}, at};
  };
  const std::vector<wc_stack_frame> all{frame(1), frame(2), frame(3)};
  const auto run = [&](uint32_t skipped) {
    wc_call call = call_event(1, "close", "3");
    call.frames = all.data() + skipped;
    call.frame_count = static_cast<uint32_t>(all.size()) - skipped;
    wc_syscall syscall = syscall_event(1, "close", "3", "0");
    syscall.frames = all.data();
    syscall.frame_count = skipped == 0 ? 2 : 3;
    host.send(call);
    host.send(syscall);
    host.send(return_event(1, "close", "0"));
    return host.take_lines();
  };
  EXPECT_THAT(run(1), ElementsAre("close(3) = 0", " > /bin/prog() [0x1]", " > /bin/prog() [0x2]",
                                  " > /bin/prog() [0x3]"));
  EXPECT_THAT(run(0), testing::SizeIs(7)) << "the call's stack is no part of its syscall's";
}

// ---- Colours and width

TEST(TextColorTest, OnlyWhereAsked) {
  const auto line = [](wc_host settings, TestHost::Options options = {}) {
    TestHost host(text_backend(), std::move(options), settings);
    host.send(call_event(1, "close", "3"));
    wc_syscall syscall = syscall_event(1, "closer", "3", "-1 EBADF (Bad file descriptor)");
    syscall.error = 9;
    host.send(syscall);
    host.send(return_event(1, "close", "0"));
    return host.take();
  };
  constexpr char kPlain[] = "close(3) = 0\n  closer(3) = -1 EBADF (Bad file descriptor)\n";
  constexpr char kColored[] =
      "\33[1mclose\33[0m(3) = 0\n"
      "  \33[36mcloser\33[0m(3) = \33[31m-1 EBADF (Bad file descriptor)\33[0m\n";
  EXPECT_EQ(line({}), kPlain);
  EXPECT_EQ(line({.is_terminal = 1}), kPlain);
  EXPECT_EQ(line({.color = 1}), kColored);
  EXPECT_EQ(line({.color = 1}, {{"color", "never"}}), kPlain);
  EXPECT_EQ(line({}, {{"color", "always"}}), kColored);
  EXPECT_EQ(line({.color = 1}, {{"color", "auto"}}), kColored);
  EXPECT_THAT(TestHost(text_backend(), {{"color", "red"}}).error(), HasSubstr("'color'"));
}

// Where the caller begins and what its line looks like.
std::string with_caller(wc_host settings, const char* args, TestHost::Options options = {}) {
  TestHost host(text_backend(), std::move(options), settings);
  wc_call call = call_event(1, "f", args);
  call.caller = {.address = 1, .object = "/bin/prog", .symbol = "main", .offset = 1};  // 18 wide
  host.send(call);
  host.send(return_event(1, "f", "0"));
  return host.take();
}

TEST(TextWidthTest, CallersFollowTheTerminal) {
  EXPECT_EQ(with_caller({.columns = 120}, "").find('<'), 80U);
  EXPECT_EQ(with_caller({.columns = 80}, "").find('<'), 40U);
  EXPECT_EQ(with_caller({}, "").find('<'), 72U);
  EXPECT_EQ(with_caller({.columns = 120}, "", {{"column", "72"}}).find('<'), 72U);
  // Further left where it would not end on the line, and never closer than two spaces.
  EXPECT_EQ(with_caller({.columns = 50}, "").size(), 50U + 1);
  EXPECT_EQ(with_caller({.columns = 10}, ""), "f() = 0  <main+0x1 in prog>\n");
  EXPECT_EQ(with_caller({.columns = 1}, ""), "f() = 0  <main+0x1 in prog>\n");
}

TEST(TextWidthTest, ColoursHaveNoWidth) {
  std::string plain = with_caller({.columns = 100}, "");
  std::string colored = with_caller({.color = 1, .columns = 100}, "");
  for (size_t at; (at = colored.find('\33')) != std::string::npos;)
    colored.erase(at, colored.find('m', at) - at + 1);
  EXPECT_EQ(colored, plain);
}

// ---- When it wants to be woken

TEST_F(TextMergeTest, SaysWhenHeldLinesFallDue) {
  const auto wake_at = [this] { return text_backend()->wake_at(host_.context()); };
  EXPECT_EQ(wake_at(), 0U);
  host_.send(call_event(1, "pause", ""));
  EXPECT_EQ(wake_at(), 1000 + 200 * kMillisecond);
  host_.flush(1000 + 200 * kMillisecond - 1);
  EXPECT_THAT(host_.take(), IsEmpty());
  host_.flush(1000 + 200 * kMillisecond);
  EXPECT_THAT(host_.take_lines(), ElementsAre("pause( <unfinished ...>"));
  EXPECT_EQ(wake_at(), 0U);
}

}  // namespace
}  // namespace wc::backends

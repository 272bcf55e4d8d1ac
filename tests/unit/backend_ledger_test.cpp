// Backend "ledger": what system calls do to descriptors, in whatever order threads' events come.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/close_range.h>

#include <cerrno>
#include <vector>

#include "backend_test_host.h"

namespace wc::backends {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kClean =
    "0 descriptors still open at the end, 0 closed twice, 0 used after being closed\n";

class Ledger : public ::testing::Test {
 protected:
  struct Did {
    std::vector<uint64_t> args;
    int64_t ret = 0;
    int error = 0;
    const char* text = "";
    uint64_t ts = 0, dur = 10;
    int32_t tid = kPid;
    uint32_t flags = 0;
  };
  void did(const char* name, const Did& what) {
    std::vector<wc_arg> args;
    for (const uint64_t value : what.args) args.push_back({.type = WC_ARG_INT, .value = value});
    clock_ += 100;
    wc_syscall event{
        .ts = what.ts != 0 ? what.ts : clock_, .dur = what.dur, .pid = pid_, .tid = what.tid};
    event.flags = what.flags;
    event.name = name;
    event.nargs = static_cast<uint32_t>(args.size());
    event.args = args.data();
    event.args_text = what.text;
    event.error = what.error;
    event.ret = what.error != 0 ? -1 : what.ret;
    host_.send(event);
  }
  void process(wc_process_kind kind, int32_t child = 0) {
    clock_ += 100;
    host_.send(wc_process{.ts = clock_,
                          .pid = pid_,
                          .tid = pid_,
                          .event = static_cast<uint32_t>(kind),
                          .child = child,
                          .path = "/bin/prog"});
  }
  std::string report() {
    host_.close();
    return host_.take();
  }

  TestHost host_{ledger_backend()};
  int32_t pid_ = kPid;
  uint64_t clock_ = 1'000'000'000;
};

TEST_F(Ledger, EventsOfThreadsMayComeInAnyOrder) {
  process(WC_PROCESS_START);
  // One thread closes 3, another is given it at once, and closes it: told backwards.
  did("close", {.args = {3}, .ts = 3000, .tid = 2});
  did("open", {.args = {0, 0}, .ret = 3, .ts = 2005, .dur = 500, .tid = 2});
  did("close", {.args = {3}, .ts = 2000, .dur = 900, .tid = 1});
  did("open", {.args = {0, 0}, .ret = 3, .ts = 1000, .tid = 1});
  EXPECT_THAT(report(), HasSubstr(kClean));
}

TEST_F(Ledger, StampsOfTwoThreadsMayBeSomeMicrosecondsApart) {
  process(WC_PROCESS_START);
  did("open", {.args = {0, 0}, .ret = 3, .ts = 1000, .tid = 1});
  did("open", {.args = {0, 0}, .ret = 3, .ts = 2'000'000, .tid = 2});  // is given 3 again ...
  did("close", {.args = {3}, .ts = 2'003'000, .tid = 1});              // ... before it is closed
  did("close", {.args = {3}, .ts = 2'006'000, .tid = 2});
  const std::string text = report();
  EXPECT_THAT(text, HasSubstr(kClean));
  EXPECT_THAT(text, Not(HasSubstr("which nobody saw")));
}

TEST_F(Ledger, WhatIsOpenedAgainWasClosedUnseen) {
  did("open", {.args = {0, 0}, .ret = 3});
  did("open", {.args = {0, 0}, .ret = 3});
  did("open", {.args = {0, 0}, .ret = 3});
  did("close", {.args = {3}});
  EXPECT_THAT(report(), HasSubstr("2 descriptors were closed outside of the selected functions"));
}

TEST_F(Ledger, AResultThatNoTableHasIsNone) {
  did("open", {.args = {0, 0}, .ret = INT64_MAX});
  did("open", {.args = {0, 0}, .ret = -7});
  did("pipe", {.text = "[99999999999999999999, 4]"});
  did("pipe", {.text = "[-3, 4"});
  did("recvmsg", {.args = {3, 0, 0}, .text = "SCM_RIGHTS SCM_RIGHTS, cmsg_data=["});
  did("close", {.args = {}});
  EXPECT_THAT(report(), HasSubstr("still open at the end"));
}

TEST_F(Ledger, DescriptorsInText) {
  did("socketpair",
      {.args = {1, 1, 0, 0}, .text = "AF_UNIX, SOCK_STREAM, 0, [3<a, b [x>, 4<socket:[5]>]"});
  did("recvmsg", {.args = {3, 0, 0},
                  .text = "3, {msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, "
                          "cmsg_type=SCM_RIGHTS, cmsg_data=[7, 8]}]}, 0"});
  for (const uint64_t fd : {3, 4, 7, 8}) did("close", {.args = {fd}});
  EXPECT_THAT(report(), HasSubstr(std::string(kClean) + "at most 4 open at once"));
}

TEST_F(Ledger, CloseOnExecByEachWay) {
  process(WC_PROCESS_START);
  did("open", {.args = {0, O_CLOEXEC}, .ret = 3});
  did("openat2",
      {.args = {0, 0, 0, 0}, .ret = 4, .text = "3, \"x\", {flags=O_RDONLY|O_CLOEXEC}, 24"});
  did("dup3", {.args = {3, 5, O_CLOEXEC}, .ret = 5});
  did("fcntl", {.args = {3, F_DUPFD_CLOEXEC, 0}, .ret = 6});
  for (const int64_t fd : {7, 8, 9, 10}) did("open", {.args = {0, 0}, .ret = fd});
  did("fcntl", {.args = {7, F_SETFD, FD_CLOEXEC}});
  did("ioctl", {.args = {8, 0x5451}});  // FIOCLEX
  did("close_range", {.args = {9, 9, CLOSE_RANGE_CLOEXEC}});
  did("pidfd_open", {.args = {1, 0}, .ret = 11});
  did("fcntl", {.args = {11, F_SETFD, 0}});
  process(WC_PROCESS_EXEC);
  const std::string text = report();
  EXPECT_THAT(text, HasSubstr("handed on by exec"));
  EXPECT_THAT(text, HasSubstr(": 10  open\n"));
  EXPECT_THAT(text, HasSubstr(": 11  pidfd_open\n"));
  EXPECT_THAT(text, Not(HasSubstr(": 9  ")));
  EXPECT_THAT(text, HasSubstr(kClean));  // what went through exec was opened by another program
}

TEST_F(Ledger, ADupThatTakesAPlaceClosesWhatWasThere) {
  did("open", {.args = {0, 0}, .ret = 3});
  did("open", {.args = {0, 0}, .ret = 4});
  did("dup2", {.args = {3, 4}, .ret = 4});
  did("dup2", {.args = {3, 3}, .ret = 3});
  did("close", {.args = {3}});
  EXPECT_THAT(report(), HasSubstr("1 descriptor still open"));
}

TEST_F(Ledger, AnErrorOtherThanEbadfClosesNevertheless) {
  did("open", {.args = {0, 0}, .ret = 3});
  did("close", {.args = {3}, .error = EINTR});
  did("open", {.args = {0, 0}, .ret = 4});
  did("close", {.args = {4}, .error = EIO, .flags = WC_SYSCALL_INJECTED});  // it was not made
  EXPECT_THAT(report(), HasSubstr("1 descriptor still open at the end, 0 closed twice"));
}

TEST_F(Ledger, AWriteToWhatIsOpenForReadingIsNoUseAfterClose) {
  did("open", {.args = {0, 0}, .ret = 3});
  did("write", {.args = {3}, .error = EBADF});
  did("close", {.args = {3}});
  did("write", {.args = {3}, .error = EBADF});
  EXPECT_THAT(report(), HasSubstr("0 closed twice, 1 used after being closed"));
}

TEST_F(Ledger, AChildThatWasSeenBeforeItsForkKeepsWhatItDid) {
  process(WC_PROCESS_START);
  did("open", {.args = {0, 0}, .ret = 3});
  const uint64_t fork_at = clock_;
  pid_ = 77;
  did("close", {.args = {3}, .ts = fork_at - 50});
  did("open", {.args = {0, 0}, .ret = 3, .ts = fork_at - 40, .dur = 1});
  pid_ = kPid;
  process(WC_PROCESS_FORK, 77);
  did("close", {.args = {3}});
  EXPECT_THAT(report(), HasSubstr("1 descriptor still open at the end, 0 closed twice"));
}

TEST_F(Ledger, WhoClosesAllThereMayBeClosesNothingTwice) {
  did("open", {.args = {0, 0}, .ret = 5});
  did("close", {.args = {5}});
  for (uint64_t fd = 3; fd < 100; ++fd) did("close", {.args = {fd}, .error = EBADF});
  EXPECT_EQ(
      report(),
      std::string(kClean) +
          "at most 1 open at once, by ?[4312]: the last one by open, outside of every call\n");
}

}  // namespace
}  // namespace wc::backends

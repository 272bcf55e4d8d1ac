// A system call in a thread's name, whatever comes in between; memory that can only be peeked at.
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "kernel/borrowed_memory.h"
#include "kernel/process_memory.h"
#include "kernel/remote_syscall.h"
#include "scripted_kernel.h"

namespace wc {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr pid_t kThread = 1 << 23;  // no such process: the kernel's ids end below
constexpr pid_t kOther = kThread + 1;
constexpr uint64_t kPlace = 0x1000, kResult = 42;

class RemoteSyscallTest : public testing::Test {
 protected:
  RemoteSyscallTest() {
    kernel_.registers[kThread] = own_registers();
    kernel_.masks[kThread] = 0x10;
    kernel_.on_seen = [this](const Seen& seen) {
      if (seen.tid == kThread && ++stops_seen_ == result_at_)
        kernel_.registers[kThread].rax = kResult;
    };
  }
  static user_regs_struct own_registers() {
    user_regs_struct regs{};
    regs.rip = 0x400000;
    regs.rax = 7;
    regs.rsp = 0x7000;
    return regs;
  }
  Result<uint64_t> run(std::vector<Seen> script) {
    kernel_.script.assign(script.begin(), script.end());
    return run_syscall(thread_, memory_, SYS_mmap, {1, 2, 3, 4, 5, 6}, {kPlace, 0});
  }
  void expect_untouched() {
    EXPECT_EQ(kernel_.registers[kThread].rip, own_registers().rip);
    EXPECT_EQ(kernel_.registers[kThread].rax, own_registers().rax);
    EXPECT_EQ(kernel_.masks[kThread], 0x10u);
  }
  static Seen entry() { return {kThread, at_syscall()}; }
  static Seen leaving() { return {kThread, at_event(PTRACE_EVENT_STOP)}; }

  ScriptedKernel kernel_;
  Stops stops_{kernel_};
  ProcessMemory memory_{kThread, kernel_};
  StoppedThread thread_{stops_, {kThread, stopped_by(SIGTRAP)}};
  int stops_seen_ = 0, result_at_ = 2;
};

TEST_F(RemoteSyscallTest, GivesTheResultAndLeavesNothingBehind) {
  auto result = run({entry(), entry(), leaving()});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(*result, kResult);
  EXPECT_EQ(thread_.tid(), kThread);
  expect_untouched();
  EXPECT_TRUE(kernel_.signals_sent.empty());
}

TEST_F(RemoteSyscallTest, ItsEndIsSeenByTheLoop) {
  auto result = run({entry(), {kThread, exited(3)}});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ESRCH);
  EXPECT_EQ(thread_.tid(), 0) << "nobody may resume it any more";
  Seen end = stops_.next(Wait::Poll);
  EXPECT_EQ(end.tid, kThread);
  EXPECT_EQ(end.status, exited(3));
}

TEST_F(RemoteSyscallTest, AnExecOfAnotherThreadIsSeenByTheLoop) {
  auto result = run({entry(), {kThread, at_event(PTRACE_EVENT_EXEC)}});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(thread_.tid(), 0);
  EXPECT_EQ(stops_.next(Wait::Poll).status, at_event(PTRACE_EVENT_EXEC));
  EXPECT_EQ(kernel_.registers[kThread].rip, kPlace) << "the new program's registers are its own";
}

TEST_F(RemoteSyscallTest, OtherThreadsEndsAndStopsAreKeptInOrder) {
  auto result =
      run({entry(), {kOther, stopped_by(SIGUSR1)}, {kOther, exited(0)}, entry(), leaving()});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_THAT(kernel_.claimed, ElementsAre(kOther));
  EXPECT_EQ(stops_.next_of(kOther).status, stopped_by(SIGUSR1));
  EXPECT_EQ(stops_.next(Wait::Poll).status, exited(0));
  EXPECT_EQ(stops_.next(Wait::Poll).tid, 0);
}

TEST_F(RemoteSyscallTest, ASignalThatCannotBeHeldBackIsSentAgain) {
  result_at_ = 3;
  auto result = run({{kThread, stopped_by(SIGSTOP)}, entry(), entry(), leaving()});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_THAT(kernel_.signals_sent, ElementsAre(Pair(kThread, SIGSTOP)));
  expect_untouched();
}

TEST_F(RemoteSyscallTest, AGroupStopIsObeyedAfterwards) {
  auto result = run({entry(), entry(), {kThread, stopped_by(SIGTSTP, PTRACE_EVENT_STOP)}});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(kernel_.count(PTRACE_INTERRUPT, kThread), 2u) << "one to leave, one to stop again";
}

TEST_F(RemoteSyscallTest, AGroupStopThatIsOverIsForgotten) {
  result_at_ = 3;
  auto result =
      run({{kThread, stopped_by(SIGTSTP, PTRACE_EVENT_STOP)}, entry(), entry(), leaving()});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(kernel_.count(PTRACE_INTERRUPT, kThread), 1u);
}

TEST_F(RemoteSyscallTest, AThreadThatNeverArrivesIsGivenUp) {
  std::vector<Seen> script(64, Seen{kThread, stopped_by(SIGTRAP)});
  script.push_back(leaving());
  auto result = run(script);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, EAGAIN);
  EXPECT_EQ(thread_.tid(), kThread);
  expect_untouched();
}

TEST_F(RemoteSyscallTest, AThreadThatIsKilledWhereItStandsIsLost) {
  kernel_.dead = {kThread};
  auto result = run({});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ESRCH);
}

TEST_F(RemoteSyscallTest, NothingRunsWhereTheWayBackCannotBeWritten) {
  kernel_.script = {entry(), entry(), leaving()};
  auto result = run_syscall(thread_, memory_, SYS_mmap, {}, {kPlace, 0x2000});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, EFAULT);
  EXPECT_EQ(kernel_.count(PTRACE_SYSCALL, kThread), 0u);
  expect_untouched();
}

// ---- memory

TEST(ProcessMemoryTest, PeeksAndPokesWhereNothingElseIsAllowed) {
  ScriptedKernel kernel;
  kernel.words = {{0x1000, 0x1111111111111111}, {0x1008, 0x2222222222222222}};
  ProcessMemory memory(kThread, kernel);
  const uint32_t value = 0xaabbccdd;
  EXPECT_FALSE(memory.write({0x1006}, &value, sizeof value)) << "no thread stands still";
  memory.begin_stop(kThread);
  ASSERT_TRUE(memory.write({0x1006}, &value, sizeof value));
  EXPECT_EQ(kernel.words[0x1000], 0xccdd111111111111u);
  EXPECT_EQ(kernel.words[0x1008], 0x222222222222aabbu);
  uint32_t seen = 0;
  EXPECT_TRUE(memory.read_all({0x1006}, &seen, sizeof seen));
  EXPECT_EQ(seen, value);
  EXPECT_FALSE(memory.write({0x100e}, &value, sizeof value)) << "it ends there";
}

TEST(ProcessMemoryTest, ReadsUpToTheFirstBadPage) {
  const size_t page = 4096;
  void* two = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(two, MAP_FAILED);
  mprotect(static_cast<char*>(two) + page, page, PROT_NONE);
  munmap(static_cast<char*>(two) + page, page);
  ProcessMemory memory(getpid());
  std::vector<char> bytes(2 * page);
  EXPECT_EQ(memory.read({reinterpret_cast<uint64_t>(two)}, bytes.data(), bytes.size()), page);
  munmap(two, page);
}

TEST(ProcessMemoryTest, KeepsWhatItHasReadOnlyWhileTheThreadStands) {
  uint64_t word = 1;
  ProcessMemory memory(getpid());
  auto read = [&] {
    uint64_t seen = 0;
    EXPECT_TRUE(memory.read_all({reinterpret_cast<uint64_t>(&word)}, &seen, sizeof seen));
    return seen;
  };
  EXPECT_EQ(read(), 1u);
  __atomic_store_n(&word, 2, __ATOMIC_RELEASE);
  EXPECT_EQ(read(), 2u) << "it runs: what was read a moment ago says nothing";
  memory.begin_stop(getpid());
  EXPECT_EQ(read(), 2u);
  __atomic_store_n(&word, 3, __ATOMIC_RELEASE);
  EXPECT_EQ(read(), 2u);
  memory.end_stop();
  EXPECT_EQ(read(), 3u);
}

TEST(ProcessMemoryTest, BorrowedBytesAreGivenBack) {
  char place[] = "what was there";
  ProcessMemory memory(getpid());
  {
    BorrowedMemory borrowed(memory, {reinterpret_cast<uint64_t>(place)}, "path", 5);
    ASSERT_TRUE(borrowed.ok());
    EXPECT_STREQ(place, "path");
  }
  EXPECT_STREQ(place, "what was there");
  BorrowedMemory nowhere(memory, {8}, "path", 5);
  EXPECT_FALSE(nowhere.ok());
}

}  // namespace
}  // namespace wc

#include "engine/inject.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

namespace wc {
namespace {

// The vDSO has a `syscall` of its own for what it cannot answer; the kernel maps it everywhere.
uint64_t find_syscall_instruction(pid_t tid, ProcessMemory& memory) {
  std::ifstream maps("/proc/" + std::to_string(tid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    if (!line.ends_with("[vdso]")) continue;
    char* end = nullptr;
    uint64_t from = std::strtoull(line.c_str(), &end, 16);
    uint64_t to = *end == '-' ? std::strtoull(end + 1, nullptr, 16) : 0;
    constexpr uint64_t kMost = 1 << 16;
    if (to <= from || to - from > kMost) return 0;
    std::vector<uint8_t> code(to - from);
    if (!memory.read_all({from}, code.data(), code.size())) return 0;
    for (size_t i = 0; i + 1 < code.size(); i++)
      if (code[i] == 0x0f && code[i + 1] == 0x05) return from + i;
  }
  return 0;
}

// Until the next stop of this kind; signals that come in between are held back.
bool go_to(pid_t tid, __ptrace_request how, bool (*arrived)(int status)) {
  constexpr int kPatience = 64;
  for (int i = 0; i < kPatience; i++) {
    if (ptrace(how, tid, nullptr, nullptr) != 0) return false;
    int status = 0;
    pid_t got;
    do got = waitpid(tid, &status, __WALL);
    while (got < 0 && errno == EINTR);
    if (got != tid || !WIFSTOPPED(status)) return false;
    if (arrived(status)) return true;
  }
  return false;
}

bool at_syscall(int status) { return WSTOPSIG(status) == (SIGTRAP | 0x80); }
bool at_interruption(int status) { return status >> 16 == PTRACE_EVENT_STOP; }

// Every signal waits, and is there when its turn comes; but for the one that an orphaned thread
// needs to find back.
class HeldSignals {
 public:
  explicit HeldSignals(pid_t tid) : tid_(tid) {
    held_ = ptrace(PTRACE_GETSIGMASK, tid_, sizeof own_, &own_) == 0;
    uint64_t all = ~(1ull << (SIGTRAP - 1));
    if (held_) ptrace(PTRACE_SETSIGMASK, tid_, sizeof all, &all);
  }
  ~HeldSignals() {
    if (held_) ptrace(PTRACE_SETSIGMASK, tid_, sizeof own_, &own_);
  }
  [[nodiscard]] uint64_t own() const { return own_; }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  pid_t tid_;
  uint64_t own_ = 0;
  bool held_ = false;
};

// Where the thread is to go on if the tracer dies. A call that was interrupted is issued again.
InjectionReturn return_of(const user_regs_struct& own, uint64_t mask) {
  InjectionReturn back{own.r8,  own.r9,  own.r10, own.r11,    own.r12, own.r13, own.r14,
                       own.r15, own.rdi, own.rsi, own.rbp,    own.rbx, own.rdx, own.rax,
                       own.rcx, own.rsp, own.rip, own.eflags, mask};
  constexpr int64_t kRestartBlock = -516;  // ERESTART_RESTARTBLOCK, include/linux/errno.h
  auto result = static_cast<int64_t>(own.rax);
  if (static_cast<int64_t>(own.orig_rax) >= 0 && is_restart(result)) {
    back.rax = result == kRestartBlock ? SYS_restart_syscall : own.orig_rax;
    back.rip -= 2;
  }
  return back;
}

}  // namespace

Result<uint64_t> run_syscall(const StoppedThread& thread, ProcessMemory& memory, uint32_t nr,
                             const std::array<uint64_t, 6>& args, InjectionPlace place) {
  const Error dying{"the thread is gone", ESRCH};
  pid_t tid = thread.tid();
  uint64_t instruction =
      place.instruction != 0 ? place.instruction : find_syscall_instruction(tid, memory);
  if (instruction == 0) return Error{"there is no vDSO to make a system call from", ENOEXEC};
  user_regs_struct own{};
  if (!thread.registers(own)) return dying;
  HeldSignals hold(tid);
  if (place.room != 0) {
    InjectionReturn back = return_of(own, hold.own());
    memory.write({place.room}, &back, sizeof back);
  }
  user_regs_struct regs = own;
  regs.rip = instruction;
  regs.rax = nr;
  regs.orig_rax = ~0ull;  // no interrupted call of its own is to be restarted now
  regs.rdi = args[0];
  regs.rsi = args[1];
  regs.rdx = args[2];
  regs.r10 = args[3];
  regs.r8 = args[4];
  regs.r9 = args[5];
  user_regs_struct after{};
  bool done = thread.set_registers(regs) && go_to(tid, PTRACE_SYSCALL, at_syscall) &&
              go_to(tid, PTRACE_SYSCALL, at_syscall) && thread.registers(after) &&
              thread.set_registers(own);
  if (!done) return dying;
  // The kernel restarts what a stop has interrupted, and stays stopped for job control, on the way
  // out of a stop like this one, not on the way out of a system call.
  if (ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) != 0 ||
      !go_to(tid, PTRACE_CONT, at_interruption))
    return dying;
  auto result = static_cast<int64_t>(after.rax);
  if (result < 0 && result >= -4095)
    return Error::from_errno("a system call in the name of the program", static_cast<int>(-result));
  return after.rax;
}

}  // namespace wc

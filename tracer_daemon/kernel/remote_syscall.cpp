#include "kernel/remote_syscall.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <vector>

#include "proc/maps.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

namespace wc {
namespace {

// The vDSO has a `syscall` of its own for what it cannot answer; the kernel maps it everywhere.
uint64_t find_syscall_instruction(pid_t tid, ProcessMemory& memory) {
  auto maps = proc::read_maps(tid);
  if (!maps) return 0;
  for (const proc::Mapping& mapping : maps->all()) {
    if (mapping.path != "[vdso]") continue;
    constexpr uint64_t kMost = 1 << 16;
    if (mapping.range.size() > kMost) return 0;
    std::vector<uint8_t> code(mapping.range.size());
    if (!memory.read_all({mapping.range.begin}, code.data(), code.size())) return 0;
    for (size_t i = 0; i + 1 < code.size(); i++)
      if (code[i] == 0x0f && code[i + 1] == 0x05) return mapping.range.begin + i;
  }
  return 0;
}

enum class Arrival {
  Arrived,
  Lost,   // the thread has ended, or is another program's; the loop will see it
  Astray  // it stands somewhere else
};

// Takes the thread through the stops that a system call in its name needs.
class Errand {
 public:
  explicit Errand(StoppedThread& thread)
      : thread_(thread), stops_(thread.stops()), tid_(thread.tid()) {
    held_ = thread.signal_mask(own_mask_);
    // Every signal waits, and is there when its turn comes; but for the one that an orphaned thread
    // needs to find back.
    if (held_) (void)thread.set_signal_mask(~(1ull << (SIGTRAP - 1)));
  }
  ~Errand() {
    if (thread_.tid() == 0) return;  // what it had is gone with it
    if (held_) (void)thread_.set_signal_mask(own_mask_);
    for (int signal : passed_) stops_.kernel().send_signal(tid_, signal);
    if (group_stop_) thread_.interrupt_when_resumed();
  }
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  [[nodiscard]] uint64_t own_mask() const { return own_mask_; }

  // Resumes the thread until it stops in this way.
  Arrival go_to(int request, bool (*arrived)(int status)) {
    constexpr int kPatience = 64;
    for (int i = 0; i < kPatience; i++) {
      if (stops_.kernel().trace(request, tid_, 0, 0) < 0) return lost();
      auto seen = stops_.wait_for(tid_);
      if (!seen) return lost();
      if (!WIFSTOPPED(seen->status) || is_end(seen->status >> 16)) {
        stops_.give_back(*seen);
        return lost();
      }
      note_job_control(seen->status);
      if (arrived(seen->status)) return Arrival::Arrived;
      // A signal that could not be held back: SIGSTOP, or a SIGTRAP that somebody has sent.
      if (seen->status >> 16 == 0 && !is_syscall_stop(seen->status))
        passed_.push_back(WSTOPSIG(seen->status));
    }
    return Arrival::Astray;
  }

  static bool is_syscall_stop(int status) { return WSTOPSIG(status) == (SIGTRAP | 0x80); }
  static bool is_interruption(int status) { return status >> 16 == PTRACE_EVENT_STOP; }

 private:
  // Its memory may not be what it was.
  static bool is_end(int event) { return event == PTRACE_EVENT_EXIT || event == PTRACE_EVENT_EXEC; }

  // The kernel names the stop signal where the whole process is stopped.
  void note_job_control(int status) {
    if (is_interruption(status)) group_stop_ = is_stop_signal(WSTOPSIG(status));
  }

  Arrival lost() {
    thread_.lose();
    return Arrival::Lost;
  }

  StoppedThread& thread_;
  Stops& stops_;
  pid_t tid_;
  uint64_t own_mask_ = 0;
  bool held_ = false;
  bool group_stop_ = false;
  std::vector<int> passed_;
};

// Where the thread is to go on if the tracer dies. A call that was interrupted is issued again.
InjectionReturn return_of(const user_regs_struct& own, uint64_t mask) {
  InjectionReturn back{own.r8,  own.r9,  own.r10, own.r11,    own.r12, own.r13,    own.r14,
                       own.r15, own.rdi, own.rsi, own.rbp,    own.rbx, own.rdx,    own.rax,
                       own.rcx, own.rsp, own.rip, own.eflags, mask,    own.fs_base};
  constexpr int64_t kRestartBlock = -516;  // ERESTART_RESTARTBLOCK, include/linux/errno.h
  auto result = static_cast<int64_t>(own.rax);
  if (static_cast<int64_t>(own.orig_rax) >= 0 && is_restart(result)) {
    back.rax = result == kRestartBlock ? SYS_restart_syscall : own.orig_rax;
    back.rip -= 2;
  }
  return back;
}

user_regs_struct registers_for(user_regs_struct regs, uint64_t instruction, uint32_t nr,
                               const std::array<uint64_t, 6>& args) {
  regs.rip = instruction;
  regs.rax = nr;
  regs.orig_rax = ~0ull;  // no interrupted call of its own is to be restarted now
  regs.rdi = args[0];
  regs.rsi = args[1];
  regs.rdx = args[2];
  regs.r10 = args[3];
  regs.r8 = args[4];
  regs.r9 = args[5];
  return regs;
}

Error lost_thread() { return {"the thread is gone", ESRCH}; }

}  // namespace

Result<uint64_t> run_syscall(StoppedThread& thread, ProcessMemory& memory, uint32_t nr,
                             const std::array<uint64_t, 6>& args, InjectionPlace place) {
  uint64_t instruction =
      place.instruction != 0 ? place.instruction : find_syscall_instruction(thread.tid(), memory);
  if (instruction == 0) return Error{"there is no vDSO to make a system call from", ENOEXEC};
  user_regs_struct own{};
  if (!thread.registers(own)) return lost_thread();
  Errand errand(thread);
  if (place.room != 0) {
    InjectionReturn back = return_of(own, errand.own_mask());
    if (!memory.write({place.room}, &back, sizeof back))
      return Error{"the program's memory cannot be written", EFAULT};
  }
  if (!thread.set_registers(registers_for(own, instruction, nr, args))) return lost_thread();
  user_regs_struct after{};
  Arrival call = errand.go_to(PTRACE_SYSCALL, Errand::is_syscall_stop);
  if (call == Arrival::Arrived) call = errand.go_to(PTRACE_SYSCALL, Errand::is_syscall_stop);
  if (call == Arrival::Lost || !thread.registers(after) || !thread.set_registers(own))
    return lost_thread();
  constexpr uint64_t kNobody = 0;
  // Where this fails the address space is gone.
  if (place.room != 0)
    (void)memory.write({place.room + offsetof(InjectionReturn, thread)}, &kNobody, sizeof kNobody);
  // The kernel restarts what a stop has interrupted, and stays stopped for job control, on the way
  // out of a stop like this one, not on the way out of a system call.
  thread.interrupt_when_resumed();
  if (errand.go_to(PTRACE_CONT, Errand::is_interruption) == Arrival::Lost) return lost_thread();
  if (call == Arrival::Astray) return Error{"the thread does not arrive at a system call", EAGAIN};
  auto result = static_cast<int64_t>(after.rax);
  if (result < 0 && result >= -4095)
    return Error::from_errno("a system call in the name of the program", static_cast<int>(-result));
  return after.rax;
}

}  // namespace wc

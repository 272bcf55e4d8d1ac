// Thin, typed access to ptrace(2). A request to a thread that is dying fails with ESRCH, which is
// normal: requests return false then, and the thread's end is seen by the loop.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <csignal>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernel/stops.h"

namespace wc {

// Step: with a signal that has a handler, to that one's first instruction.
enum class Resume { Run, ToSyscall, Step, Listen };
enum class Follow { ThreadsOnly, Children };

// A thread in a ptrace stop. Move-only: resuming it consumes it.
class StoppedThread {
 public:
  StoppedThread(Stops& stops, const Seen& seen)
      : stops_(&stops), tid_(seen.tid), status_(seen.status) {}
  StoppedThread(StoppedThread&& other) noexcept
      : stops_(other.stops_), tid_(std::exchange(other.tid_, 0)), status_(other.status_) {}
  StoppedThread& operator=(StoppedThread&& other) noexcept {
    stops_ = other.stops_;
    tid_ = std::exchange(other.tid_, 0);
    status_ = other.status_;
    return *this;
  }

  [[nodiscard]] pid_t tid() const { return tid_; }
  [[nodiscard]] int signal() const { return status_ >> 8 & 0xff; }
  [[nodiscard]] int event() const { return status_ >> 16; }
  [[nodiscard]] bool at_syscall() const { return signal() == (SIGTRAP | 0x80); }

  [[nodiscard]] bool registers(user_regs_struct& regs) const;
  [[nodiscard]] bool set_registers(const user_regs_struct& regs) const;
  // The instruction pointer alone: a third of the cost of all registers.
  [[nodiscard]] bool set_ip(uint64_t ip) const;
  // Vector and x87 registers.
  [[nodiscard]] bool float_registers(user_fpregs_struct& regs) const;
  [[nodiscard]] bool siginfo(siginfo_t& info) const;
  [[nodiscard]] bool set_siginfo(const siginfo_t& info) const;
  [[nodiscard]] bool event_message(unsigned long& message) const;
  // Sent to this thread, not delivered yet; at most 32.
  [[nodiscard]] std::vector<siginfo_t> waiting_signals() const;
  [[nodiscard]] bool signal_mask(uint64_t& mask) const;
  [[nodiscard]] bool set_signal_mask(uint64_t mask) const;

  // Entry and exit of a syscall: PTRACE_GET_SYSCALL_INFO.
  struct SyscallInfo {
    enum class Kind { None, Entry, Exit } kind = Kind::None;
    uint64_t ip = 0, sp = 0;
    uint64_t nr = 0, args[6] = {};  // nr: with kI386Syscall where it belongs
    int64_t ret = 0;
  };
  [[nodiscard]] bool syscall_info(SyscallInfo& info) const;

  // Syscall User Dispatch of this thread, from outside (Linux 6.4): it needs no syscall of its own.
  struct Dispatch {
    uint64_t mode = 0;  // PR_SYS_DISPATCH_ON or _OFF
    uint64_t selector = 0, exempt_begin = 0, exempt_size = 0;
  };
  [[nodiscard]] bool set_dispatch(const Dispatch& dispatch) const;

  // Stops once more as soon as it is resumed, without a signal.
  void interrupt_when_resumed() const;

  // Both consume the thread.
  void resume(Resume how, int signal = 0) &&;
  void detach(int signal) &&;

  // For kernel/ only: where its stops come from, and that this stop is over without a resume (the
  // thread has died, or has become another program's).
  [[nodiscard]] Stops& stops() const { return *stops_; }
  void lose() { tid_ = 0; }

 private:
  long request(int what, uint64_t address, const void* data) const;

  Stops* stops_;
  pid_t tid_;
  int status_;
};

// The kernel's own results of an interrupted syscall, seen by tracers only (include/linux/errno.h):
// it is to be issued again, or to fail with EINTR.
constexpr bool is_restart(int64_t ret) {
  return ret == -512 || ret == -513 || ret == -514 || ret == -516;
}

// uretprobe(2) and uprobe(2), which the kernel has a probed function issue where somebody traces it
// with perf or bpf: not the program's, and the process is killed where they come from anywhere
// else.
constexpr bool is_of_a_probe(uint64_t nr) { return nr == 335 || nr == 336; }

constexpr bool is_stop_signal(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

// 0, or an errno.
int seize(Kernel& kernel, pid_t tid, Follow follow);
// A running thread stops soon (PTRACE_INTERRUPT).
void interrupt(Kernel& kernel, pid_t tid);
// The thread, which stands still, and all that it makes stop once more when they end, while their
// memory is there.
void stop_at_exit(Kernel& kernel, pid_t tid, Follow follow);

}  // namespace wc

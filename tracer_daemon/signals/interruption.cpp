#include "signals/interruption.h"

#include <sys/syscall.h>

#include <cerrno>
#include <csignal>

#include "proc/status.h"

namespace wc {
namespace {

// Of those, nothing comes: they are ignored, or the default for them is to do nothing.
proc::SignalSet passed_over(const proc::Status& status) {
  constexpr proc::SignalSet kByDefault(1ull << (SIGCHLD - 1) | 1ull << (SIGURG - 1) |
                                       1ull << (SIGWINCH - 1) | 1ull << (SIGCONT - 1));
  return status.ignored | (kByDefault - status.caught);
}

// signal(7), "Interruption of system calls and library functions by stop signals"; futex and the
// reads of inotify are restarted by newer kernels.
bool fails_when_interrupted(uint64_t nr) {
  switch (nr) {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_rt_sigtimedwait:
    case SYS_io_getevents:
    case SYS_io_pgetevents:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool may_be_issued_again(const StoppedThread& stop, const user_regs_struct& regs) {
  bool failed = static_cast<int64_t>(regs.rax) == -EINTR && fails_when_interrupted(regs.orig_rax);
  if (!failed) return false;
  auto status = proc::read_status(stop.tid());
  if (!status) return false;
  proc::SignalSet waiting = status->pending | status->shared_pending;
  return (waiting - status->blocked - passed_over(*status)).empty();
}

void issue_again(user_regs_struct& regs) {
  regs.rax = regs.orig_rax;
  regs.orig_rax = ~0ull;
  regs.rip -= 2;
}

bool issue_again(const StoppedThread& stop, user_regs_struct& regs) {
  if (!may_be_issued_again(stop, regs)) return false;
  issue_again(regs);
  return stop.set_registers(regs);
}

bool is_ignored(pid_t pid, int signal) {
  auto status = proc::read_status(pid);
  return status && passed_over(*status).has(signal);
}

bool has_handler(pid_t pid, int signal) {
  auto status = proc::read_status(pid);
  return status && status->caught.has(signal);
}

bool is_waiting(pid_t pid, int signal) {
  auto status = proc::read_status(pid);
  return status && (status->pending | status->shared_pending).has(signal);
}

}  // namespace wc

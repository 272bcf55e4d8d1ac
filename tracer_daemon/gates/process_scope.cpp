#include "gates/process_scope.h"

#include <sys/syscall.h>

#include <algorithm>
#include <utility>

namespace wc {

SyscallPosition ProcessScope::on_entry(const StoppedThread& stop, Thread& thread,
                                       const StoppedThread::SyscallInfo& info) {
  EnteredSyscall entered = EnteredSyscall::of(info);
  Process& process = *thread.process;
  // Until its first exec it runs the tool's own code.
  if (!process.started && entered.nr != SYS_execve) return SyscallPosition::Unwatched;
  if (shim_.is_shims_own(process, info.ip)) return SyscallPosition::Unwatched;
  // It has no arguments; what it goes back to is shown in their place.
  if (entered.nr == SYS_restart_syscall) entered.args[0] = thread.restarts;
  auto scopes = syscalls_.look(thread, entered);
  (void)syscalls_.begin(stop, thread, entered, scopes);
  return SyscallPosition::Watched;
}

void ProcessScope::on_exit(StoppedThread& stop, Thread& thread,
                           const StoppedThread::SyscallInfo& info, SyscallPosition was) {
  if (was != SyscallPosition::Watched || thread.inflight.empty()) return;
  if (!time_limits_.issue_in_time(stop, thread, info.ret)) TimeLimits::restore(stop, thread);
  Inflight done = std::move(thread.inflight.back());
  thread.inflight.pop_back();
  constexpr int64_t kRestartBlock = -516;  // ERESTART_RESTARTBLOCK, include/linux/errno.h
  if (info.ret == kRestartBlock && done.syscall.nr != SYS_restart_syscall)
    thread.restarts = done.syscall.nr;
  syscalls_.finish(stop, thread, done, info.ret);
}

}  // namespace wc

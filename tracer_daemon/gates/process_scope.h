// Full-process mode (--scope=process): all syscalls of all threads, as strace -f has them.
//
// Threads are always resumed to their next syscall stop, so no gate is needed. Where functions are
// wrapped as well, the open calls are read from the thread's slot at every stop. Each attempt of an
// interrupted syscall is an event of its own here, as in strace: nothing has to be equal between
// gates.
#pragma once

#include "gates/syscall_events.h"
#include "gates/syscall_gate.h"
#include "tracee/shim_memory.h"

namespace wc {

class ProcessScope final : public SyscallGate {
 public:
  ProcessScope(SyscallEvents& syscalls, TimeLimits& time_limits, const ShimMemory& shim)
      : syscalls_(syscalls), time_limits_(time_limits), shim_(shim) {}

  SyscallPosition on_entry(const StoppedThread& stop, Thread& thread,
                           const StoppedThread::SyscallInfo& info) override;
  void on_exit(StoppedThread& stop, Thread& thread, const StoppedThread::SyscallInfo& info,
               SyscallPosition was) override;

 private:
  SyscallEvents& syscalls_;
  TimeLimits& time_limits_;
  const ShimMemory& shim_;
};

}  // namespace wc

// A gate whose syscalls are seen at PTRACE_SYSCALL stops: stepping_gate.h, process_scope.h.
#pragma once

#include "kernel/stopped_thread.h"
#include "tracee/tracee.h"

namespace wc {

class SyscallGate {
 public:
  virtual ~SyscallGate() = default;
  // The thread is resumed afterwards by the caller. Returns what the syscall is: not Outside.
  virtual SyscallPosition on_entry(const StoppedThread& stop, Thread& thread,
                                   const StoppedThread::SyscallInfo& info) = 0;
  // Of the syscall whose entry was seen; `was`: what that has returned.
  virtual void on_exit(StoppedThread& stop, Thread& thread, const StoppedThread::SyscallInfo& info,
                       SyscallPosition was) = 0;
};

}  // namespace wc

// Gates `socket` and `trap` while a scope is open, children that share their parent's memory, and
// clone under gate `dispatch`: PTRACE_SYSCALL stops, switched off where no scope is open.
//
// The shim's own syscalls are recognised by their instruction pointer and never reported.
#pragma once

#include "gates/syscall_events.h"
#include "gates/syscall_gate.h"
#include "tracee/gate_selector.h"
#include "tracee/shim_memory.h"

namespace wc {

class SteppingGate final : public SyscallGate {
 public:
  struct Parts {
    OpenScopes& scopes;
    SyscallEvents& syscalls;
    TimeLimits& time_limits;
    GateSelector& selector;
    const ShimMemory& shim;
  };
  explicit SteppingGate(const Parts& parts) : parts_(parts) {}

  SyscallPosition on_entry(const StoppedThread& stop, Thread& thread,
                           const StoppedThread::SyscallInfo& info) override;
  void on_exit(StoppedThread& stop, Thread& thread, const StoppedThread::SyscallInfo& info,
               SyscallPosition was) override;

 private:
  void finish_last(StoppedThread& stop, Thread& thread, int64_t ret);
  void disarm_without_scopes(Thread& thread, const StoppedThread::SyscallInfo& info);

  Parts parts_;
};

}  // namespace wc

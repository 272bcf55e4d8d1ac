// Gate `dispatch`: a syscall issued inside a scope raises SIGSYS (Syscall User Dispatch,
// Linux 5.11, Documentation/admin-guide/syscall-user-dispatch.rst). No stop a scope, one or two a
// syscall: at the SIGSYS stop the thread is sent to issue the syscall in the range that is exempt
// from dispatch. If the call writes nothing to memory that is shown, that is the shim's landing
// pad, which keeps the result for the tracer's next look and returns by itself. Otherwise it is the
// gadget, `syscall; int3`: at the breakpoint results are read, then the thread is sent back.
#pragma once

#include "gates/stop_counts.h"
#include "gates/syscall_events.h"
#include "tracee/gate_selector.h"

namespace wc {

class DispatchGate {
 public:
  struct Parts {
    OpenScopes& scopes;
    SyscallEvents& syscalls;
    GateSelector& selector;
  };
  DispatchGate(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

  // The thread's SIGSYS, which the gate has raised.
  void on_dispatched(StoppedThread stop, Thread& thread, user_regs_struct& regs,
                     const siginfo_t& info);
  // It has met the gadget's breakpoint.
  void on_gadget_return(StoppedThread stop, Thread& thread, user_regs_struct& regs);

  // A signal is about to be delivered: its handler, and whoever unwinds from it, must find the
  // program's own address and registers, not those of the gadget or the landing pad. `regs`, which
  // are the thread's, are changed with them.
  void before_signal(const StoppedThread& stop, Thread& thread, user_regs_struct& regs);

  // Of engine inproc.
  [[nodiscard]] const StopCounts& stop_counts() const { return stop_counts_; }

 private:
  void count_stop(Thread& thread, const EnteredSyscall& entered, std::span<const wc_scope> scopes);
  void step_back(StoppedThread stop, Thread& thread, user_regs_struct& regs);
  bool leave_open_gate(StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  void return_to_program(const StoppedThread& stop, Thread& thread, Inflight& done,
                         user_regs_struct& regs);
  uint64_t choose_pad(Thread& thread, Inflight& entry, uint64_t flags);

  const TraceRun& run_;
  Parts parts_;
  StopCounts stop_counts_;
};

}  // namespace wc

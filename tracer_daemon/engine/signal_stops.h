// Signal-delivery stops: the gates' and breakpoints' own signals, faults of the shim's, and what is
// the program's, which is reported and delivered.
#pragma once

#include "break_scopes/break_scopes.h"
#include "engine/handshake.h"
#include "gates/bells.h"
#include "gates/dispatch_gate.h"
#include "signals/own_signals.h"
#include "tracee/shim_memory.h"

namespace wc {

class SignalStops {
 public:
  struct Parts {
    BreakScopes& breaks;
    Handshake& handshake;
    Bells& bells;
    DispatchGate& dispatch;
    OpenScopes& scopes;
    ThreadRecords& records;
    TimeLimits& time_limits;
    OwnSignals& own_signals;
    const ShimMemory& shim;
  };
  SignalStops(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

  void on_stop(StoppedThread stop, Thread& thread);

 private:
  // Each returns true where the stop was its own; the thread is resumed, or is dying.
  bool on_breakpoint(StoppedThread& stop, Thread& thread, user_regs_struct& regs);
  bool on_bell(StoppedThread& stop, Thread& thread, user_regs_struct& regs);
  bool on_step(StoppedThread& stop, Thread& thread, const user_regs_struct& regs,
               const siginfo_t& info);
  static bool on_copy_fault(StoppedThread& stop, Thread& thread, const user_regs_struct& regs,
                            const siginfo_t& info);
  bool on_gate_signal(StoppedThread& stop, Thread& thread, user_regs_struct& regs, siginfo_t& info);
  bool on_shim_fault(StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                     const siginfo_t& info);

  void continue_interrupted(const StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                            int signal) const;
  void report_until_now(const StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                        int signal);
  void deliver(StoppedThread stop, Thread& thread, const user_regs_struct& regs, siginfo_t& info);

  const TraceRun& run_;
  Parts parts_;
};

}  // namespace wc

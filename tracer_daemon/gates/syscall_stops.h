// PTRACE_SYSCALL stops: whose they are.
#pragma once

#include "break_scopes/break_placing.h"
#include "gates/bells.h"
#include "gates/delays.h"
#include "gates/syscall_gate.h"
#include "signals/time_limits.h"

namespace wc {

class SyscallStops {
 public:
  SyscallStops(SyscallGate& gate, BreakPlacing& placing, Bells& bells, TimeLimits& time_limits,
               Delays& delays)
      : gate_(gate), placing_(placing), bells_(bells), time_limits_(time_limits), delays_(delays) {}

  void on_stop(StoppedThread stop, Thread& thread);

 private:
  void on_shortened(const StoppedThread& stop, Thread& thread,
                    const StoppedThread::SyscallInfo& info);

  SyscallGate& gate_;
  BreakPlacing& placing_;
  Bells& bells_;
  TimeLimits& time_limits_;
  Delays& delays_;
};

}  // namespace wc

// The life of a syscall that a gate has seen: entered, reported under the calls that are open,
// finished. The same for all gates.
#pragma once

#include <span>

#include "break_scopes/break_scopes.h"
#include "gates/entered_syscall.h"
#include "gates/tampering.h"
#include "recording/stacks.h"
#include "recording/thread_records.h"
#include "signals/interruptions.h"
#include "signals/signal_calls.h"
#include "signals/time_limits.h"

namespace wc {

class SyscallEvents {
 public:
  struct Parts {
    OpenScopes& scopes;
    ThreadRecords& records;
    Stacks& stacks;
    BreakScopes& breaks;
    SignalCalls& signal_calls;
    Interruptions& interruptions;
    Tampering& tampering;
  };
  SyscallEvents(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

  // Reports what the ring holds, and the calls that are over by now. The scopes that are open then
  // are valid until the next look at them.
  std::span<const wc_scope> look(Thread& thread, const EnteredSyscall& entered);

  // What becomes of a syscall that has been entered.
  enum class Begun {
    Goes,     // it is the last of thread.inflight
    Returns,  // rt_sigreturn(2), whose exit nobody waits for: it restores all registers
  };
  // Reports it, if it is wanted, below `scopes`.
  Begun begin(const StoppedThread& stop, Thread& thread, const EnteredSyscall& entered,
              std::span<const wc_scope> scopes);

  // Whether it is an interrupted one that is issued again, which was begun then. It is the last of
  // thread.inflight, too.
  bool resumes(const StoppedThread& stop, Thread& thread, const EnteredSyscall& entered);

  // Reports the result. thread.inflight does not hold it any more.
  void finish(const StoppedThread& stop, Thread& thread, Inflight& done, int64_t ret);

 private:
  const TraceRun& run_;
  Parts parts_;
};

}  // namespace wc

// Breakpoint scopes: calls of functions that have a breakpoint. One stop when a call comes, one
// when it returns; in between the thread is resumed to its next syscall stop, and what it does
// there is reported as under gate `trap` (gates/stepping_gate.h). The scopes are the tracer's own:
// nothing runs in the program, so static programs and running processes have them, too.
//
// What comes to a function's first instruction need not be a call: a jump leaves something else on
// top of the stack, be it data. So a breakpoint is placed only where a call instruction ends
// (breakpoints/return_address.h).
//
// A call ends where its return address is met with the stack pointer behind it; a signal handler's
// at rt_sigreturn(2). What is left by longjmp or an exception, or returns into generated code, is
// found out at the thread's next stop: the stack pointer stands above the scope, or something else
// stands where its return address was.
#pragma once

#include <memory>
#include <optional>

#include "break_scopes/break_placing.h"
#include "break_scopes/main_scope.h"
#include "recording/stacks.h"
#include "recording/thread_records.h"
#include "tracee/gate_selector.h"

namespace wc {

class BreakScopes {
 public:
  struct Parts {
    BreakPlacing& placing;
    MainScope& main;
    OpenScopes& scopes;
    ThreadRecords& records;
    Stacks& stacks;
    GateSelector& selector;
  };
  BreakScopes(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

  // The thread has executed the breakpoint instruction in front of regs.rip.
  void on_breakpoint(StoppedThread stop, Thread& thread, const user_regs_struct& regs);
  // A handler has returned to the trampoline: at rt_sigreturn(2), `frame` is the stack pointer.
  void end_handler_call(Thread& thread, uint64_t frame);
  // A signal comes when the call has returned, and its breakpoint is still to be met.
  void settle_return(const StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  // No signal is delivered inside a thunk: handlers, and whoever unwinds from them, must find the
  // program's own address.
  static void leave_thunk(const StoppedThread& stop, Thread& thread, user_regs_struct& regs);

  // Calls that there was no room to watch the return of.
  [[nodiscard]] uint64_t unrecorded_calls() const { return unrecorded_calls_; }

 private:
  void serve(StoppedThread& stop, Thread& thread, const user_regs_struct& regs, uint8_t roles);
  void on_entry(StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  void on_return(const StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  void watch_return(StoppedThread& stop, Thread& thread);
  static void end_tail_calls(Thread& thread, const wc_scope& entered);
  static std::optional<BreakEnd> end_of_call(Process& process, uint64_t caller);
  static bool is_round_of_loop(Thread& thread, const wc_scope& entered, uint64_t entry);
  void end_calls(Thread& thread, uint64_t sp, const CallRegisters& returned);
  void report_return(Thread& thread, const BreakScope& ended, const CallRegisters& returned);
  std::shared_ptr<const TypedArguments> arguments(const StoppedThread& stop, Thread& thread,
                                                  const user_regs_struct& regs,
                                                  const FunctionInfo& function) const;
  static CallRegisters results(const StoppedThread& stop, const Thread& thread,
                               const user_regs_struct& regs, uint64_t sp);

  const TraceRun& run_;
  Parts parts_;
  uint64_t unrecorded_calls_ = 0;  // no room for a breakpoint at their return
};

}  // namespace wc

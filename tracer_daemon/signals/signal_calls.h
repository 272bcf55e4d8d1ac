// Keeps SIGSYS and SIGTRAP deliverable without the program noticing.
//
// The gates stop threads by these two signals, which the kernel forces: it unblocks a blocked one
// and forgets its handler. So they are taken out of the masks that a program sets inside its
// calls, remembered, and put back into the masks that it reads. Likewise the shim's own handlers
// are not shown to a program that asks for the old action.
#pragma once

#include "kernel/stopped_thread.h"
#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

class SignalCalls {
 public:
  explicit SignalCalls(const TraceRun& run) : run_(run) {}

  // At a syscall's entry and exit; others than rt_sigprocmask, rt_sigaction and prctl are left
  // alone.
  void on_entry(const StoppedThread& stop, Thread& thread, Inflight& entry) const;
  void on_exit(const StoppedThread& stop, Thread& thread, const Inflight& done, int64_t ret) const;
  // A syscall that has not run yet, and will be entered again: the program's own argument stands
  // in `regs` until then.
  static void take_back(Thread& thread, Inflight& entry, user_regs_struct& regs);
  // The shim leaves masks and actions to the tracer from now on, where something is hidden.
  static void publish_hidden(Thread& thread);

 private:
  static void on_action_entry(const StoppedThread& stop, Thread& thread, Inflight& entry);
  void on_action_exit(Thread& thread, const Inflight& done) const;
  void on_mask_exit(const StoppedThread& stop, Thread& thread, const Inflight& done) const;
  void on_own_dispatch(Thread& thread, uint64_t mode) const;
  static void replace_argument(const StoppedThread& stop, Thread& thread, Inflight& entry,
                               const void* bytes, size_t size);
  void say_shown(Process& process) const;

  const TraceRun& run_;
};

}  // namespace wc

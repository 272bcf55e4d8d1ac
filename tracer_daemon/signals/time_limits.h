// Waits with a time limit that fail where a tracee is interrupted, though its program would not be
// (interruption.h). Such a call is issued again for what is left of its time: the argument is
// changed for that, and put back when the call returns.
//
// When it began is known of calls that are watched; of others, from the first interruption on.
#pragma once

#include "kernel/stopped_thread.h"
#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

// Of syscalls whose entry's time is to be noted.
bool has_time_limit(uint64_t nr);

class TimeLimits {
 public:
  explicit TimeLimits(const TraceRun& run) : run_(run) {}

  // The syscall that the thread stands behind has failed with EINTR, at a stop that is no stop for
  // its program. True: it will be issued again.
  bool issue_in_time(const StoppedThread& stop, Thread& thread, user_regs_struct& regs) const;
  bool issue_in_time(const StoppedThread& stop, Thread& thread, int64_t result) const;

  // The call is over: the program finds its argument, and its stack, as they were. True: the
  // registers are changed.
  static bool restore(Thread& thread, user_regs_struct& regs);
  static void restore(const StoppedThread& stop, Thread& thread);

 private:
  uint64_t began(Thread& thread, const user_regs_struct& regs) const;
  static bool shorten(Thread& thread, user_regs_struct& regs, uint64_t left);

  const TraceRun& run_;
};

}  // namespace wc

// Where a thread stands when it makes a call or syscall that is reported (-k). It must be unwound
// at that stop: under gate dispatch the thread goes to the gadget, where its stack says nothing.
#pragma once

#include <sys/user.h>

#include "symbols/unwinder.h"
#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

// In the order of DWARF's register numbers.
StackRegisters dwarf_registers(const user_regs_struct& regs);

class Stacks {
 public:
  explicit Stacks(const TraceRun& run) : run_(run) {}

  // Into thread.stack, if stacks are wanted.
  void take(Thread& thread, const user_regs_struct& regs);
  void take(Thread& thread, const StoppedThread& stop);

  // Whether the process's syscalls must stop it: an interpreter's state is known only while the
  // thread stands.
  bool is_read_at_stops(const Process& process);
  void report_interpreters();

 private:
  const TraceRun& run_;
};

}  // namespace wc

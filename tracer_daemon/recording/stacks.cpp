#include "recording/stacks.h"

namespace wc {

StackRegisters dwarf_registers(const user_regs_struct& regs) {
  return {{regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi, regs.rbp, regs.rsp, regs.r8,
           regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15, regs.rip}};
}

// A record of engine inproc is looked at when the program has run on, and the memory is another one
// by then.
bool Stacks::is_read_at_stops(const Process& process) {
  Interpreters& interpreters = run_.pipeline.interpreters();
  if (!interpreters.wanted() || !run_.pipeline.wants_stacks()) return false;
  ProcessMemory memory(process.pid);
  if (!interpreters.needs_stops(process.pid, memory)) return false;
  report_interpreters();
  return true;
}

void Stacks::report_interpreters() {
  for (const std::string& warning : run_.pipeline.interpreters().take_warnings())
    run_.say(0, warning);
}

void Stacks::take(Thread& thread, const user_regs_struct& regs) {
  thread.stack.reset();
  if (!run_.pipeline.wants_stacks()) return;
  thread.stack = run_.pipeline.stack_at_stop(thread.source(), dwarf_registers(regs));
}

void Stacks::take(Thread& thread, const StoppedThread& stop) {
  user_regs_struct regs{};
  if (run_.pipeline.wants_stacks() && stop.registers(regs)) take(thread, regs);
}

}  // namespace wc

// Where a thread stands when it makes a call or syscall that is reported (-k). It must be unwound
// at that stop: under gate dispatch the thread goes on to the gadget, where its stack says nothing.
#include "engine/tracer.h"

namespace wc {

StackRegisters Tracer::dwarf_registers(const user_regs_struct& regs) {
  return {{regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi, regs.rbp, regs.rsp, regs.r8,
           regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15, regs.rip}};
}

// An interpreter's state is known only while the thread stands: a record of engine inproc is looked
// at when the program has gone on, and the memory is another one by then.
bool Tracer::is_read_at_stops(const Process& process) {
  Interpreters& interpreters = pipeline_.interpreters();
  if (!interpreters.wanted() || !pipeline_.wants_stacks()) return false;
  ProcessMemory memory(process.pid);
  if (!interpreters.needs_stops(process.pid, memory)) return false;
  report_interpreters();
  return true;
}

void Tracer::report_interpreters() {
  for (const std::string& warning : pipeline_.interpreters().take_warnings()) say(0, warning);
}

void Tracer::take_stack(Thread& thread, const user_regs_struct& regs) {
  thread.stack.reset();
  if (!pipeline_.wants_stacks()) return;
  thread.stack = pipeline_.stack_at_stop(thread.source(), dwarf_registers(regs));
}

void Tracer::take_stack(Thread& thread, const StoppedThread& stop) {
  user_regs_struct regs{};
  if (pipeline_.wants_stacks() && stop.registers(regs)) take_stack(thread, regs);
}

}  // namespace wc

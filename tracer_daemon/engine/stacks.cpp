// Where a thread stands when it makes a call or syscall that is reported (-k). It must be unwound
// at that stop: under gate dispatch the thread goes on to the gadget, where its stack says nothing.
#include "engine/tracer.h"

namespace wc {

StackRegisters Tracer::dwarf_registers(const user_regs_struct& regs) {
  return {{regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi, regs.rbp, regs.rsp, regs.r8,
           regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15, regs.rip}};
}

void Tracer::take_stack(Thread& thread, const user_regs_struct& regs) {
  thread.stack.reset();
  if (!pipeline_.wants_stacks()) return;
  thread.stack = pipeline_.unwind(thread.source(), dwarf_registers(regs));
}

void Tracer::take_stack(Thread& thread, const StoppedThread& stop) {
  user_regs_struct regs{};
  if (pipeline_.wants_stacks() && stop.registers(regs)) take_stack(thread, regs);
}

}  // namespace wc

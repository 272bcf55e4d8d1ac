// Where a thread stands when it makes a call or syscall that is reported (-k). It must be unwound
// at that stop: under gate dispatch the thread goes on to the gadget, where its stack says nothing.
#include "engine/tracer.h"

namespace wc {

void Tracer::take_stack(Thread& thread, const user_regs_struct& regs) {
  thread.stack.reset();
  if (!pipeline_.wants_stacks()) return;
  const StackRegisters registers{{regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi,
                                  regs.rbp, regs.rsp, regs.r8, regs.r9, regs.r10, regs.r11,
                                  regs.r12, regs.r13, regs.r14, regs.r15, regs.rip}};
  thread.stack = pipeline_.unwind(thread.source(), registers);
}

void Tracer::take_stack(Thread& thread, const StoppedThread& stop) {
  user_regs_struct regs{};
  if (pipeline_.wants_stacks() && stop.registers(regs)) take_stack(thread, regs);
}

}  // namespace wc

// Arguments and results of functions with a breakpoint whose types are known. Both are read at the
// stop itself: what the function does changes its arguments, and a string that they point to.
#include <algorithm>
#include <cstring>

#include "break_scopes/break_scopes.h"

namespace wc {
namespace {

void read_floats(const StoppedThread& stop, CallRegisters& registers) {
  user_fpregs_struct floats{};
  if (!stop.float_registers(floats)) return;  // the thread is dying
  static_assert(sizeof registers.vectors <= sizeof floats.xmm_space);
  std::memcpy(registers.vectors.data(), floats.xmm_space, sizeof registers.vectors);
  std::memcpy(registers.x87.data(), floats.st_space, sizeof registers.x87);
  registers.has_floats = true;
}

}  // namespace

std::shared_ptr<const TypedArguments> BreakScopes::arguments(const StoppedThread& stop,
                                                             Thread& thread,
                                                             const user_regs_struct& regs,
                                                             const FunctionInfo& function) const {
  if (!run_.pipeline.wants_text()) return nullptr;
  const FunctionPrototype* prototype = function.prototype();
  if (prototype == nullptr) return nullptr;
  CallRegisters registers;
  registers.integers = {regs.rdi, regs.rsi, regs.rdx, regs.rcx, regs.r8, regs.r9};
  registers.stack = regs.rsp + sizeof(uint64_t);
  if (prototype->takes_floats) read_floats(stop, registers);
  const EventSource source = thread.source();
  return std::make_shared<const TypedArguments>(
      decode_arguments(run_.pipeline.decode_context(source), *prototype, registers));
}

// `sp`: where the calls that return have their return address.
CallRegisters BreakScopes::results(const StoppedThread& stop, const Thread& thread,
                                   const user_regs_struct& regs, uint64_t sp) {
  CallRegisters registers;
  registers.integers = {regs.rax, regs.rdx};
  const auto returns_floats = [&](const BreakScope& one) {
    if (one.scope.sp != sp || one.arguments == nullptr) return false;
    const auto& functions = thread.process->break_table->functions;
    const uint32_t index = one.scope.function & ~kBreakFunction;
    const FunctionPrototype* prototype =
        index < functions.size() ? functions[index].prototype() : nullptr;
    return prototype != nullptr && prototype->returns_floats;
  };
  if (std::ranges::any_of(thread.breaks, returns_floats)) read_floats(stop, registers);
  return registers;
}

}  // namespace wc

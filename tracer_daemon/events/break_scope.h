// An open call of a function that has a breakpoint.
#pragma once

#include <cstdint>
#include <memory>

#include "decode/typed_values.h"
#include "protocol/shared.h"

namespace wc {

// How the tracer sees that a call of a function with a breakpoint is over.
enum class BreakEnd : uint8_t {
  Breakpoint,    // where it returns to
  SignalReturn,  // it is a handler, and the kernel's trampoline makes rt_sigreturn(2)
  Unseen         // it returns into generated code, or where no call has come from
};

struct BreakScope {
  wc_scope scope{};        // as the shim's; sp is where the return address is
  uint64_t after = 0;      // the shim's last call that was open when this one came
  int32_t last_error = 0;  // of its last syscall that failed
  BreakEnd end = BreakEnd::Unseen;
  // As they were at its entry; null: they are words, whose types nobody knows.
  std::shared_ptr<const TypedArguments> arguments;
};

}  // namespace wc

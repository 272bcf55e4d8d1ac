// Where a call's caller stands on the stack of its thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "events/event_source.h"
#include "symbols/unwinder.h"

namespace wc {

// The stack pointer once the call has returned.
uint64_t caller_sp_of(const EventSource& source, const wc_scope& scope);

// The part of a stack that has led to a call whose place is `sp`: behind the frame in which that
// lies, which is the shim's or, of a breakpoint scope, the function's own. A stack that engine
// inproc has recorded with the call begins there.
std::span<const StackFrame> frames_behind(const Stack& stack, uint64_t sp, uint64_t caller_sp);

// What unwinding begins with where nothing but the scope is known: the frame pointer stands below
// the return address (preload_lib/frame.h). Nothing: that cannot be read.
std::optional<StackRegisters> caller_registers(const EventSource& source, const wc_scope& scope);

}  // namespace wc

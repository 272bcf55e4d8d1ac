// Whose events these are, and which of its functions a number means.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/tracee_memory.h"
#include "events/break_scope.h"
#include "events/call_stack.h"
#include "events/function_table.h"
#include "events/own_scopes.h"
#include "protocol/shared.h"
#include "symbols/unwinder.h"

namespace wc {

// The memory and tables must outlive the call they are passed to.
struct EventSource {
  int32_t pid = 0;
  int32_t tid = 0;
  TraceeMemory* memory = nullptr;
  const FunctionTable* table = nullptr;
  CallStack* calls = nullptr;
  const FunctionTable* breakpoints = nullptr;  // what kBreakFunction numbers mean
  OwnScopes* own_scopes = nullptr;
  const wc_shared_header* shared = nullptr;  // of its shim, null: there is none
  std::shared_ptr<const Stack> stack;        // of the thread where it stands, if that is wanted
  bool is_recorded = false;  // of the past: an interpreter's state is another one now
  std::span<const BreakScope> open_breaks;  // calls of functions with a breakpoint
  const CallRegisters* returned = nullptr;  // where such a call has just come back
  const FunctionModes* modes = nullptr;     // of `table`; null: all are reported

  // Whether calls of this function are not to be reported any more.
  [[nodiscard]] bool is_off(uint32_t function) const {
    return modes != nullptr && modes->is_off(function);
  }
  // The row of a scope that the program names itself, or nothing for any other function.
  [[nodiscard]] std::optional<uint32_t> own_row(uint32_t function) const;
  // Those of that call as they were at its entry; null where they have no types.
  [[nodiscard]] std::shared_ptr<const TypedArguments> arguments_of(const wc_scope& scope) const;
  // "?" for a number that means nothing.
  [[nodiscard]] const FunctionInfo& function(uint32_t number) const;
};

}  // namespace wc

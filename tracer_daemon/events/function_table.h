// The functions that one program's stub library exports, by index: what a
// scope's function number means.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "protocol/shared.h"
#include "symbols/prototypes.h"
#include "wc_backend.h"

namespace wc {

struct FunctionInfo {
  std::string symbol;                  // exported name: __printf_chk
  std::string name;                    // public name: printf
  std::string library;                 // soname of the library that defines it
  const FunctionSpec* spec = nullptr;  // nullptr: not in the catalog
  // A thin wrapper of the syscall of the same name: what it writes to memory is there when the
  // syscall returns.
  bool thin = false;
  // Of a function with a breakpoint that the catalog does not know: its file's debug information,
  // and where it is in there.
  std::shared_ptr<FunctionPrototypes> prototypes;
  uint64_t address = 0;
  wc_function_kind kind = WC_FUNCTION_WRAPPED;

  // nullptr: there is none.
  [[nodiscard]] const FunctionPrototype* prototype() const {
    return prototypes != nullptr ? prototypes->find(address) : nullptr;
  }
};

// Set in a scope's function number: it is one of the process's breakpoints, not of its stubs.
inline constexpr uint32_t kBreakFunction = 1u << 31;

// What is done with the calls of each function of a table, by number. Numbers behind the end are
// reported.
struct FunctionModes {
  std::vector<uint8_t> rows;      // as wc_function.is_off
  std::vector<uint32_t> weights;  // by the number of a wc_sample: for how many calls one stands

  [[nodiscard]] bool is_off(uint32_t function) const {
    return function < rows.size() && rows[function] == WC_OFF;
  }
  [[nodiscard]] uint32_t weight(uint32_t function) const {
    const uint32_t mode = function < rows.size() ? rows[function] : 0;
    return mode >= WC_SAMPLED && mode - WC_SAMPLED < weights.size() ? weights[mode - WC_SAMPLED]
                                                                    : 1;
  }
};

struct FunctionTable {
  uint64_t id = 0;  // as in wc_stubs.id
  std::string stub_path;
  std::vector<FunctionInfo> functions;
};

}  // namespace wc

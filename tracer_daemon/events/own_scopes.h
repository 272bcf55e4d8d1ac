// Scopes that a program has named itself (preload_lib/wc/scope.h), by their rows behind the
// functions of the stub library. Of one process; read from its memory when one is first seen.
#pragma once

#include <array>
#include <cstdint>

#include "events/function_table.h"
#include "protocol/shared.h"

namespace wc {

class OwnScopes {
 public:
  // nullptr: not seen yet.
  [[nodiscard]] const FunctionInfo* find(uint32_t row) const {
    return row < rows_.size() && !rows_[row].name.empty() ? &rows_[row] : nullptr;
  }
  const FunctionInfo& learn(uint32_t row, std::string name, std::string library);

 private:
  std::array<FunctionInfo, WC_OWN_SCOPES> rows_;
};

}  // namespace wc

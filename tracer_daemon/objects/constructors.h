// Where the constructors of a mapped library begin.
#pragma once

#include <cstdint>

#include "base/tracee_memory.h"

namespace wc {

// The function that ld.so calls first for it: DT_INIT, else the first of DT_INIT_ARRAY (System V
// ABI, "Initialization and Termination Functions"). The library is relocated. 0: it has none, or
// its dynamic section, which is the program's memory, makes no sense.
uint64_t first_constructor(TraceeMemory& memory, uint64_t base, uint64_t dynamic);

}  // namespace wc

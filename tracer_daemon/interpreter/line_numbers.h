// Which source line an instruction belongs to: co_linetable since Python 3.11, as CPython's
// Objects/locations.md describes it. Pure. Internal to tracer_daemon/interpreter.
#pragma once

#include <cstdint>
#include <span>

namespace wc {

// `instruction`: its number in the code, in units of two bytes; below 0 before the first, which is
// at the function's own line. 0: it has none, or the table is damaged.
uint32_t python_line(std::span<const uint8_t> table, uint32_t first_line, int64_t instruction);

}  // namespace wc

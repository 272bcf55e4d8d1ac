// Numbers of system calls, as all modules pass them around.
#pragma once

#include <cstdint>

namespace wc {

// Marks a number of the 32-bit entry (int $0x80), which has a table of its own.
inline constexpr uint32_t kI386Syscall = 0x20000000;

}  // namespace wc

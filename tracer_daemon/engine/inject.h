// A system call in the name of a stopped thread, which does not know of it: its registers, its
// signals and the call that the stop has interrupted are as they were.
#pragma once

#include <array>
#include <cstdint>

#include "base/result.h"
#include "engine/ptrace.h"

namespace wc {

// Errors: the call's own, as errno; ESRCH where the thread dies meanwhile. The thread must not
// stand at the entry of a system call; after an exec, not before its first instruction.
Result<uint64_t> run_syscall(const StoppedThread& thread, ProcessMemory& memory, uint32_t nr,
                             const std::array<uint64_t, 6>& args);

}  // namespace wc

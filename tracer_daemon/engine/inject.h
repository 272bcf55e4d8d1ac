// A system call in the name of a stopped thread, which does not know of it: its registers, its
// signals and the call that the stop has interrupted are as they were.
#pragma once

#include <array>
#include <cstdint>

#include "base/result.h"
#include "engine/ptrace.h"

namespace wc {

// Where the thread makes it, so that it finds back by itself if the tracer dies meanwhile
// (orphan_code.S): `syscall; int3`, and room for an InjectionReturn.
struct InjectionPlace {
  uint64_t instruction = 0;  // 0: there is no such place yet; the vDSO's syscall serves
  uint64_t room = 0;         // 0: it does not find back
};

// As the kernel's sigcontext begins (asm/sigcontext.h), then the signals that the thread blocks.
struct InjectionReturn {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
  uint64_t eflags, mask;
};

// Errors: the call's own, as errno; ESRCH where the thread dies meanwhile. The thread must not
// stand at the entry of a system call; after an exec, not before it has returned.
Result<uint64_t> run_syscall(const StoppedThread& thread, ProcessMemory& memory, uint32_t nr,
                             const std::array<uint64_t, 6>& args, InjectionPlace place = {});

}  // namespace wc

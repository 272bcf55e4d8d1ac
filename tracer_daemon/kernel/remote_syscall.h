// A system call in the name of a stopped thread, which does not know of it: its registers, its
// signals and the call that the stop has interrupted are as they were.
//
// Three things can come in between, and each finds its way back to the loop: the thread's end or
// its change into another program (the StoppedThread is consumed, the loop sees what happened); a
// signal that cannot be held back (it is sent again); a stop of the whole process by job control
// (the thread stops for it once more as soon as it is resumed).
#pragma once

#include <array>
#include <cstdint>

#include "base/result.h"
#include "kernel/process_memory.h"
#include "kernel/stopped_thread.h"

namespace wc {

// Where the thread makes it, so that it finds back by itself if the tracer dies meanwhile
// (orphan_code.S): `syscall; int3`, and room for an InjectionReturn.
struct InjectionPlace {
  uint64_t instruction = 0;  // 0: there is no such place yet; the vDSO's syscall serves
  uint64_t room = 0;         // 0: it does not find back
};

// As the kernel's sigcontext begins (asm/sigcontext.h), then the signals that the thread blocks.
// `thread`: its thread pointer, while it is away; 0 again afterwards.
struct InjectionReturn {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
  uint64_t eflags, mask;
  uint64_t thread;
};

// Errors: the call's own, as errno; ESRCH where the thread is lost, and `thread` is consumed then;
// EAGAIN where it would not arrive, and it stands as before. It must not stand at the entry of a
// system call; after an exec, not before that has returned.
Result<uint64_t> run_syscall(StoppedThread& thread, ProcessMemory& memory, uint32_t nr,
                             const std::array<uint64_t, 6>& args, InjectionPlace place = {});

}  // namespace wc

// Interruptions that the program would not have without a tracer, and must not see: to be stopped
// for a moment, and signals that it ignores (a traced process is interrupted by these, too). The
// kernel restarts most system calls by itself, but some fail with EINTR whatever has come.
#pragma once

#include "kernel/stopped_thread.h"

namespace wc {

// The thread's system call, if it has failed so, is issued again once the thread is resumed: it
// waits for its whole time again. Not if a signal waits that the program is to see.
// True: it is issued again.
bool issue_again(const StoppedThread& stop, user_regs_struct& regs);
// The same at the exit of the call, which has returned `result`.
bool issue_again(const StoppedThread& stop, int64_t result);

// Whether nothing comes of the signal in this process: ignored, or so by default.
bool is_ignored(pid_t pid, int signal);

}  // namespace wc

// Interruptions that the program would not have without a tracer, and must not see: to be stopped
// for a moment, and signals that it ignores (a traced process is interrupted by these, too). The
// kernel restarts most system calls by itself, but some fail with EINTR whatever has come.
#pragma once

#include "kernel/stopped_thread.h"

namespace wc {

// Whether the thread's system call has failed so. Not if a signal waits that the program is to see.
bool may_be_issued_again(const StoppedThread& stop, const user_regs_struct& regs);
// The call comes again once the thread is resumed with these registers: for its whole time, see
// TimeLimits::issue_in_time().
void issue_again(user_regs_struct& regs);
// Both. True: it is issued again.
bool issue_again(const StoppedThread& stop, user_regs_struct& regs);

// Whether nothing comes of the signal in this process: ignored, or so by default.
bool is_ignored(pid_t pid, int signal);
// Whether it has a handler there.
bool has_handler(pid_t pid, int signal);
// Whether it waits for the process or its leader, blocked.
bool is_waiting(pid_t pid, int signal);

}  // namespace wc

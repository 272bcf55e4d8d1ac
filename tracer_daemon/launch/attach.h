// -p: whether a running process can be traced, and if not, which setting stands in the way.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace wc {

// Looks before anything is done to it.
Status inspect_running(pid_t pid);

// Why the kernel has refused to attach, with what to do.
Error attach_error(pid_t pid, int code);

// The tracer of `pid`, "PID (NAME)"; empty: nobody traces it.
std::string tracer_of(pid_t pid);
// Whether this process has CAP_SYS_PTRACE, as root has outside of containers.
bool may_trace_all();

}  // namespace wc

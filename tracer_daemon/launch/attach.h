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

}  // namespace wc

// One line for a call that is its own syscall: write(3) does nothing but write(2).
#pragma once

#include <cstddef>

#include "text_thread.h"

namespace wc::backends {

// The call at line `call` has just ended. Hides its syscall's line where that is the only one and
// says nothing that the call's line does not say: the same name, arguments and result. Of two
// durations both stay, of two stacks the syscall's, which ends with the frames of the call's.
void merge_syscall(TextThread& lines, size_t call);

}  // namespace wc::backends

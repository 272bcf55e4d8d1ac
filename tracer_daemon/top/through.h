// Without the view: the program's terminal is this one, until it ends.
#pragma once

#include "base/scoped_fd.h"
#include "top/child.h"

namespace wc::top {

// Its exit status. `signals`: a signalfd; what comes there and would end this process ends the
// program.
int pass_through(Child& child, const ScopedFd& signals);

}  // namespace wc::top

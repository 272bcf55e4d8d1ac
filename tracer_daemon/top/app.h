// The loop of wc-top: terminal, sockets and child on one side, the model on the other.
#pragma once

#include "top/options.h"

namespace wc::top {

// The exit status.
int watch(const TopOptions& options);

}  // namespace wc::top

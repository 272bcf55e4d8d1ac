// wc-ctl PATH COMMAND...: sends one request to the tracer whose --control PATH is, prints the
// answer.
#pragma once

#include <span>

namespace wc {

// The exit status: 0 done; 1 refused, the reason is on standard error; 2 there is no tracer, or
// there is no such command line.
int control(std::span<const char* const> arguments);

}  // namespace wc

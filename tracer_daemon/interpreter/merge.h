// Python's functions among the C functions that run them. Pure.
// Internal to tracer_daemon/interpreter.
#pragma once

#include <vector>

#include "interpreter/python_stack.h"
#include "symbols/unwinder.h"

namespace wc {

enum class StackEnd { Reached, CutOff };  // cut off: it has more C frames than are shown

// In the place of each C frame that runs Python functions stand these. Where not all of them could
// be read the C frame stays behind them. Where the C stack ends early, as in a new thread's first
// syscall, the rest of them follow.
Stack merge(Stack native, std::vector<PythonRun> runs, StackEnd end);

}  // namespace wc

// The Python functions that a thread is in, from the interpreter's own state in its memory.
//
// The thread stands still, but nothing else may be taken for granted: it may stand anywhere, before
// the interpreter is up or after it has gone; other threads may be changing its lists; and the
// program may have put anything there. Every list is cut off after a number of steps, and what
// cannot be read ends the frames that are shown.
// Internal to tracer_daemon/interpreter.
#pragma once

#include <string>
#include <vector>

#include "base/tracee_memory.h"
#include "interpreter/python_layout.h"

namespace wc {

struct PythonFrame {
  std::string function;  // qualified: "Store.save"
  std::string file;
  uint32_t line = 0;  // 0: none
};

// What one run of the interpreter's loop, a C function, has open: Python functions that Python has
// called, and none in between that C has called.
struct PythonRun {
  uint64_t place = 0;               // within the C function's frame
  std::vector<PythonFrame> frames;  // innermost first
  bool is_whole = false;            // false: there are more, which could not be read
};

// Which thread of the interpreter it is.
struct PythonThread {
  uint64_t native_id = 0;                   // 0: the process counts its threads otherwise
  uint64_t stack_begin = 0, stack_end = 0;  // the part of its C stack that is known
};

// Innermost first; at most `most` frames.
std::vector<PythonRun> read_python_stack(TraceeMemory& memory, const PythonLayout& layout,
                                         uint64_t runtime, const PythonThread& thread, size_t most);

}  // namespace wc

// Python's strings as UTF-8. Internal to tracer_daemon/interpreter.
#pragma once

#include <optional>
#include <string>

#include "base/tracee_memory.h"
#include "interpreter/python_layout.h"

namespace wc {

// The names of functions and files are short; of a longer one this many characters are shown.
inline constexpr size_t kMaxPythonText = 1024;

// Nothing where there is no string. Bytes of a file's name that are no UTF-8, which Python has as
// lone surrogates, are these bytes again.
std::optional<std::string> read_python_text(TraceeMemory& memory, const PythonLayout& layout,
                                            uint64_t address);

}  // namespace wc

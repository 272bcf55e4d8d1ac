// Whether a file holds a CPython interpreter, and where its state is.
// Internal to tracer_daemon/interpreter.
#pragma once

#include <cstdint>
#include <string>

#include "symbols/mapped_file.h"

namespace wc {

// Addresses as in the file; 0: it has no such symbol.
struct InterpreterFile {
  uint64_t runtime = 0;  // _PyRuntime
  uint64_t version = 0;  // Py_Version, since 3.11
  bool is_python = false;
  std::string version_of_name;  // "3.9" of libpython3.9.so.1.0; empty: the name says nothing
  // Where the first byte of the executable segment stands in the file, and in memory.
  uint64_t code_offset = 0, code_address = 0;
};

// Stripped files have these symbols too: extension modules need them.
InterpreterFile read_interpreter_file(const std::string& path);

}  // namespace wc

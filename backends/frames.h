// Frames of stacks, as the built-in backends show them.
#pragma once

#include <cstdint>
#include <string>

#include "wc_backend.h"

namespace wc::backends {

// A function of an interpreter's has neither address nor object (wc_backend.h).
inline bool is_interpreted(const wc_stack_frame& frame) {
  return frame.at.address == 0 && frame.at.object == nullptr;
}

// "store.py:12"; a file with a name that many have comes with its folder: "json/__init__.py:293".
// Not escaped.
std::string source_of(const wc_caller& at);

// Appends where a call was made: "main at hello.c:9", "main+0x2e in hello", "hello+0x116a". With a
// line, calls from the same one are the same place, wherever the compiler has put them.
void append_place(std::string& out, const wc_caller& caller);

// Appends a frame as `strace -k` has it, with file and line behind.
void append_frame(std::string& out, const wc_stack_frame& frame);

}  // namespace wc::backends

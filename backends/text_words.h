// Parts of lines that several kinds of lines have.
#pragma once

#include <cstdint>
#include <string>

#include "wc_backend.h"

namespace wc::backends {

void append_digits(std::string& out, uint64_t number, int base);

// "<main+0x1c at hello.c:7>", or nothing where nothing is known.
void append_caller(std::string& out, const wc_caller& caller);

// " <0.000042>", as strace -T has it.
void append_duration(std::string& out, uint64_t nanoseconds);

// " (INJECTED)", " (INJECTED: args) (DELAYED)", as strace has it: what rules have done (OR of enum
// wc_syscall_flags). Nothing where none has.
void append_tampering(std::string& out, uint32_t flags);

}  // namespace wc::backends

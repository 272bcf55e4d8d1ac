// What a tool's trace holds: system calls, and how many of them are laid to a function.
#pragma once

#include <set>
#include <string>

#include "measure/measure.h"

namespace wc::compare {

enum class TraceFormat { None, OwnJson, Strace, StraceStacks, Ltrace, PerfTrace, Bpftrace };

struct TraceCount {
  measure::Seen seen;
  std::set<std::string> syscalls;   // their names; of OwnJson only
  std::set<std::string> functions;  // those of libc that made them; of OwnJson only
};

// A file that is not there holds nothing.
TraceCount count_trace(const std::string& path, TraceFormat format);

}  // namespace wc::compare

// What of a process's memory is the tool's: the shim's code, and what it shares with the tracer.
#pragma once

#include <string>

#include "kernel/stopped_thread.h"
#include "session/library_copies.h"
#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

// Whether the address is in the shim's code.
bool in_shim(Process& process, uint64_t address);

class ShimMemory {
 public:
  ShimMemory(const TraceRun& run, const LibraryCopies& copies) : run_(run), copies_(copies) {}

  // The shim or a stub library.
  [[nodiscard]] bool is_own_library(const Process& process, const std::string& path) const;
  // Whether a syscall issued at `ip` is the shim's own.
  bool is_shims_own(Process& process, uint64_t ip) const;
  // True: the fault was the shim's, at a hole in what it shares with the tracer, and is mended.
  bool map_again(StoppedThread& stop, Thread& thread, user_regs_struct& regs, uint64_t fault) const;
  // True: the fault was the shim's, which may not read the time-stamp counter (PR_SET_TSC in
  // prctl(2)), and the thread has got its value.
  static bool read_clock(const StoppedThread& stop, Thread& thread, user_regs_struct& regs);

 private:
  const TraceRun& run_;
  const LibraryCopies& copies_;
};

}  // namespace wc

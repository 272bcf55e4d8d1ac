// Engine `bpf`: calls by uprobes, syscalls by tracepoints, both seen in the kernel, which leaves
// records in a ring buffer. Nothing that is traced is stopped, and nothing is loaded into it.
#pragma once

#include <memory>

#include "breakpoints/break_plan.h"
#include "decode/syscall_filter.h"
#include "engine/trace_engine.h"
#include "events/pipeline.h"

namespace wc {

struct BpfOptions {
  std::shared_ptr<BreakPlan> breaks;  // null: no function is probed
  SyscallSet syscalls;                // that are reported
  DecodeOptions decode;
  bool with_memory = true;  // some back end shows arguments
  bool all_calls = false;
  bool counts = false;
  bool follow = true;
  bool signals_stop = false;  // signals to the tracer end it; else they are the program's
  int verbose = 0;
  void (*say)(const std::string&) = nullptr;
};

// Whether this build has the engine. The error says what to install.
Status bpf_is_built();
// The error says what is missing.
Result<std::unique_ptr<TraceEngine>> make_bpf_engine(BpfOptions options, Pipeline& pipeline);

}  // namespace wc

// Engine inproc: a process's syscall sites are patched once, at its first bell.
#pragma once

#include "kernel/stops.h"
#include "patch/site_patcher.h"
#include "tracee/trace_run.h"

namespace wc {

class ProcessPatching {
 public:
  ProcessPatching(const TraceRun& run, Kernel& kernel)
      : run_(run), kernel_(kernel), patcher_(run.options.plans, run.options.patched_libraries) {}

  // The thread stands still. Nothing happens where its process records nothing, or is patched.
  void patch(Thread& thread);
  // Globs of --patch that no program had a library for.
  [[nodiscard]] std::vector<std::string> unmet() const { return patcher_.unmet(); }

 private:
  const TraceRun& run_;
  Kernel& kernel_;
  SitePatcher patcher_;
};

}  // namespace wc

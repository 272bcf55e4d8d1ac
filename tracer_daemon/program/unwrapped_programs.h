// Programs of a run that are not wrapped: said at once with -v, and summed up at the run's end.
#pragma once

#include "program/unwrapped.h"
#include "tracee/trace_run.h"

namespace wc {

class UnwrappedPrograms {
 public:
  explicit UnwrappedPrograms(const TraceRun& run) : run_(run) {}

  // `why` continues the path: "is statically linked; use ...".
  void leave(const std::string& path, const std::string& why);
  // For the summary only.
  void note(const std::string& path, const std::string& why) { unwrapped_.note(path, why); }
  [[nodiscard]] std::string summary() const { return unwrapped_.summary(); }

 private:
  const TraceRun& run_;
  Unwrapped unwrapped_;
};

}  // namespace wc

// What traces: engine ptrace (with inproc), or engine bpf. Whoever starts a run knows no more of it
// than this.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace wc {

class TraceEngine {
 public:
  TraceEngine() = default;
  TraceEngine(const TraceEngine&) = delete;
  TraceEngine& operator=(const TraceEngine&) = delete;
  virtual ~TraceEngine() = default;

  // What can be done before anything runs. `program`: the ELF file; empty: nobody knows it.
  virtual Status prepare(const std::string& program) = 0;
  // Traces `pid`, which is about to exec its first program.
  virtual Status add_first(pid_t pid) = 0;
  // Traces a process that runs already, all of its threads.
  virtual Status attach(pid_t pid) = 0;
  // Until nothing traced is left, or a signal ends it. Returns the wait status of the first
  // program, or the error that kept it from being traced.
  virtual Result<int> run() = 0;
  // The libraries that other users' programs have loaded.
  virtual void remove_copies() = 0;
  // Whether it was told to end, by wc-ctl: the programs run on.
  [[nodiscard]] virtual bool was_stopped() const = 0;
  // Whether some of the output could not be written (said by then).
  [[nodiscard]] virtual bool output_failed() const = 0;
};

}  // namespace wc

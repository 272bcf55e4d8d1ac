// All threads and processes that are traced. The tracer thread's alone.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <unordered_map>

#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

using ProcessPtr = std::shared_ptr<Process>;

// The program that the user has started.
struct FirstProgram {
  pid_t pid = 0;
  bool has_ended = false;     // its number may be somebody else's
  std::optional<int> status;  // as wait(2) gives it
};

class Tracees {
 public:
  Tracees(const TracerOptions& options, Kernel& kernel) : options_(options), kernel_(kernel) {}

  ProcessPtr add_process(pid_t pid);
  Thread& add_thread(pid_t tid, ProcessPtr process);
  [[nodiscard]] Thread* thread(pid_t tid) const;
  [[nodiscard]] Process* process(pid_t pid) const;

  std::unordered_map<pid_t, std::unique_ptr<Thread>> threads;
  std::unordered_map<pid_t, ProcessPtr> processes;
  FirstProgram first;
  uint64_t ticks = 0;  // looks at all of them, ten a second unless the tracer rests

 private:
  const TracerOptions& options_;
  Kernel& kernel_;
};

}  // namespace wc

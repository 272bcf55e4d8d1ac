// What engine bpf keeps of the processes and threads that it follows, on this side of the kernel.
#pragma once

#include <sys/types.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "events/call_stack.h"
#include "events/pipeline.h"
#include "kernel/process_memory.h"
#include "protocol/shared.h"

namespace wc::bpf {

struct Process {
  explicit Process(pid_t id) : pid(id), memory(id) {}

  pid_t pid;
  ProcessMemory memory;
  unsigned threads = 0;
  int leader_status = 0;
};

// A syscall that has begun and not come back.
struct Inflight {
  uint64_t number = 0;  // the kernel side's
  uint64_t sp = 0, ip = 0;
  bool interrupted = false;  // by a signal: it is issued again, or fails when the handler returns
  PendingSyscall syscall;
};

struct Thread {
  pid_t tid = 0;
  std::shared_ptr<Process> process;
  CallStack calls;
  std::vector<wc_scope> scopes;  // of the calls that the kernel side has reported
  std::vector<Inflight> inflight;
};

}  // namespace wc::bpf

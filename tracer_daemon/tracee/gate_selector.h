// Gate `dispatch`: whether syscalls of a stopped thread are dispatched (Syscall User Dispatch,
// Documentation/admin-guide/syscall-user-dispatch.rst).
#pragma once

#include "kernel/stopped_thread.h"
#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

enum class Selector : uint8_t { Allow = 0, Block = 1 };  // as the kernel reads the byte

class GateSelector {
 public:
  explicit GateSelector(const TraceRun& run) : run_(run) {}

  // False: it could not be set, by any way.
  bool set(StoppedThread& stop, Thread& thread, Selector value);
  // Once for each process.
  void say_unwritable(Process& process) const;

 private:
  static bool set_dispatch(StoppedThread& stop, Thread& thread, Selector value);

  const TraceRun& run_;
};

}  // namespace wc

// How a stopped thread runs again, and who handles its next stop.
#pragma once

#include "kernel/stopped_thread.h"
#include "kernel/stops.h"
#include "tracee/tracee.h"

namespace wc {

// To the next syscall stop where the thread's system calls are watched. A resumption that fails
// means that the thread is dying: its end is reported by a later stop.
void resume(StoppedThread stop, Thread& thread, int signal = 0);

// The loop, as parts see it that meet stops on their way.
class StopHandler {
 public:
  virtual ~StopHandler() = default;
  virtual void on_seen(const Seen& seen) = 0;
  virtual void on_stop(StoppedThread stop, Thread& thread) = 0;
};

}  // namespace wc

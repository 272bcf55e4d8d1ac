// Keeps the tracer and the one thread it serves on one CPU.
//
// Waking a process on an idle CPU costs some 40 us on a virtual machine, a switch on the same CPU
// 6 us. The scheduler prefers the idle CPU for both. So while stops come from one thread only, the
// tracer stays on its CPU, and narrows the thread's affinity to that CPU for just the moment in
// which it is woken. It has its own back before the tracer sleeps, but may have run by then: a
// thread that asks for its affinity, or sets it, must be resumed without this.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include "kernel/stopped_thread.h"

namespace wc {

class CpuFollower {
 public:
  CpuFollower();
  // Called for each stop: decides whether one thread is being served.
  void stopped(pid_t tid);
  // Both have work to do at once: each on a CPU of its own.
  void part();
  // Resumes `thread` where it is cheap.
  void resume(StoppedThread&& thread, Resume how, int signal);

 private:
  void follow();
  void let_go();

  cpu_set_t own_mask_{};
  bool useful_ = false;     // more than one CPU to choose from
  bool following_ = false;  // the tracer is bound to cpu_
  int cpu_ = 0;
  pid_t last_ = 0;
  unsigned streak_ = 0;
};

}  // namespace wc

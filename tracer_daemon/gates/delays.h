// Threads that a rule has stand still for a while at a syscall's entry or exit (delay_enter=,
// delay_exit=). Others run meanwhile.
#pragma once

#include <cstdint>
#include <vector>

#include "signals/heartbeat.h"
#include "tracee/resume.h"
#include "tracee/tracees.h"

namespace wc {

class Delays {
 public:
  Delays(const Tracees& tracees, Heartbeat& heartbeat) : tracees_(tracees), heartbeat_(heartbeat) {}

  // For thread.delayed_by nanoseconds.
  void park(StoppedThread stop, Thread& thread);
  // Between two stops.
  void resume_due();
  // The run ends: nobody is left standing.
  void resume_all() { resume_until(UINT64_MAX); }

 private:
  struct Parked {
    StoppedThread stop;
    uint64_t until;
  };
  void resume_until(uint64_t now);

  const Tracees& tracees_;
  Heartbeat& heartbeat_;
  std::vector<Parked> parked_;
};

}  // namespace wc

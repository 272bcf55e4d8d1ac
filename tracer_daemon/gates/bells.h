// What a thread rings for: it opens or closes its gate, its ring is full, all calls are wanted, a
// call returns with values in memory.
#pragma once

#include "patch/process_patching.h"
#include "recording/stacks.h"
#include "recording/thread_records.h"
#include "signals/heartbeat.h"

namespace wc {

// Answers may cross where two threads ring for one slot: the number never goes back.
void raise_ack(uint32_t& ack, uint32_t number);

class Bells {
 public:
  struct Parts {
    OpenScopes& scopes;
    ThreadRecords& records;
    Stacks& stacks;
    ProcessPatching& patching;
    Heartbeat& heartbeat;
  };
  Bells(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

  // Gates `trap` and `dispatch`: the thread stands behind the bell's breakpoint.
  void on_bell(StoppedThread stop, Thread& thread, const user_regs_struct& regs);
  // Gate `socket`: it waits in a futex of the shared memory; the interruption has ended that wait.
  void on_interrupted(StoppedThread stop, Thread& thread);

 private:
  void answer(Thread& thread, uint32_t slot, uint64_t sp);

  const TraceRun& run_;
  Parts parts_;
};

}  // namespace wc

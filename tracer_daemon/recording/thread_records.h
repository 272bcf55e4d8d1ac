// What a thread's slot and ring say, turned into events. Knows no ptrace: the thread may be
// running.
//
// A ring has one writer, the thread, and one reader, the tracer. Beside the ring, a slot holds the
// syscalls that the shim has begun to record (pending) and the one on the landing pad.
#pragma once

#include <span>

#include "recording/open_scopes.h"
#include "recording/stacks.h"
#include "rings/record_reader.h"
#include "tracee/tracees.h"

namespace wc {

class ThreadRecords {
 public:
  ThreadRecords(const TraceRun& run, OpenScopes& scopes, Stacks& stacks)
      : run_(run), scopes_(scopes), stacks_(stacks) {}

  // Reports what is in the ring. `sp`: where the thread stands; 0 where it runs. A call's syscalls
  // end before it does, also those it was left in. Returns how many places of the ring were taken.
  size_t drain(Thread& thread, uint64_t sp);
  // The rings of all threads, which may run.
  size_t drain_running(const Tracees& tracees);
  // Takes the records out of a full ring, to be reported by digest() when the thread runs again.
  // Nothing: that slot does not wait for room.
  std::optional<std::span<const wc_record>> take_full(Thread& thread, uint32_t slot, uint64_t sp);
  void digest(Thread& thread, std::span<const wc_record> records);

  // The syscall on the landing pad, if it has come back.
  void complete_landed(Thread& thread);
  // A thin call's syscall that has come back, where something else comes before the call's return.
  void complete_thin(Thread& thread);
  // A signal comes in a syscall, or between its return and its record.
  void complete_pending(Thread& thread, const user_regs_struct& regs);
  // A call is recorded together with its first syscall, when that has come back; one that waits for
  // long is reported before, for somebody may be watching.
  void announce_waiting(Thread& thread);

  void end_inflight(Thread& thread);
  // The thread's calls end here: exec, exit, death.
  void end_scopes(Thread& thread);
  // Calls that stood too deep to be recorded: at the end, for it is one number.
  void report_too_deep(Thread& thread);

 private:
  void on_corrupt_ring(Thread& thread);
  void report_dropped(Thread& thread);
  void report_calls_up_to(Thread& thread, uint64_t seq);
  void report_pending(Thread& thread, const wc_pending& one, uint32_t flags, uint64_t ret,
                      uint64_t end);
  void end_pending(Thread& thread);

  const TraceRun& run_;
  OpenScopes& scopes_;
  Stacks& stacks_;
};

}  // namespace wc

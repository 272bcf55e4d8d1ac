// Which calls of a thread are open, by its slot and by the breakpoints it has met, and which of its
// syscalls and signal handlers have been left without an end.
//
// "Open" is what the stack pointer says: what was left by longjmp or an exception stands below it.
#pragma once

#include <span>

#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

// Why calls are reported: a syscall in them is, or all calls are wanted.
enum class ReportedFor { Call, Syscall };

class OpenScopes {
 public:
  explicit OpenScopes(const TraceRun& run) : run_(run) {}

  // --scope=main: between the entry of main and its end. Else always.
  [[nodiscard]] bool is_reported(const Thread& thread) const;

  // `sp`: where the thread stands. Both are valid until the next call of either.
  // Those that the shim has opened.
  std::span<const wc_scope> wrapped(Thread& thread, uint64_t sp);
  // Has the shim forget those of them that were left by longjmp. What is not reported (a call that
  // is not sampled, a function that is switched off) stays where it is.
  void drop_left_scopes(Thread& thread, uint64_t sp);
  // Those of breakpoints too, in one chain, in the order in which the calls came.
  std::span<const wc_scope> live(Thread& thread, uint64_t sp);

  // Reports those that have not been reported, and the ends of those that are not among them.
  void report_calls(Thread& thread, std::span<const wc_scope> scopes, ReportedFor what);
  // Reports the ends of calls that are not among `scopes`.
  void drop_missing(Thread& thread, std::span<const wc_scope> scopes);
  // The calls from `position` on are over, and so are syscalls in them that never came back.
  void end_syscalls_from(Thread& thread, size_t position);

  // A system call has been entered. The oldest of too many is given up: it is reported as one that
  // has not come back.
  void push_inflight(Thread& thread, Inflight entry);
  // Syscalls that were interrupted by handlers that were left by longjmp: they never come back.
  void drop_left_syscalls(Thread& thread, uint64_t sp);
  // Such handlers: the thread stands above what they had interrupted.
  void drop_left_handlers(Thread& thread, uint64_t sp);
  // Handlers are over: what they had hidden is not blocked any more.
  static void restore_hidden_mask(Thread& thread);

  // Calls that a breakpoint has opened.
  void drop_left_breaks(Thread& thread, uint64_t sp);
  static void pop_break(Thread& thread);

  // A vfork child has left its parent's memory: the parent finds its slot as it left it.
  static void end_sharing(Thread& thread);

 private:
  static std::span<const wc_scope> switched_on(Thread& thread, std::span<const wc_scope> scopes);
  const TraceRun& run_;
};

}  // namespace wc

// Processes that run already: how they come under the tracer, and how they are left as they were.
//
// All threads are seized first; seizing stops nobody. From then on a breakpoint that any of them
// meets waits for the tracer. One thread is stopped, to map the thunks' pages in its name, and
// those that might be making a child at this moment: it would be born with breakpoints and without
// a tracer. Threads that wait in other system calls are left alone. To leave, the text is put back,
// all threads are stopped for a moment, so that none is in a thunk while the pages go, and let go.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "break_scopes/break_placing.h"
#include "engine/following.h"
#include "tracee/tracees.h"

namespace wc {

class Attaching {
 public:
  struct Parts {
    Tracees& tracees;
    Stops& stops;
    StopHandler& handler;
    Following& following;
    BreakPlacing& placing;
    ThreadRecords& records;
  };
  Attaching(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

  Status attach(pid_t pid);
  // A stop that was asked for.
  void on_asked_stop(StoppedThread& stop, Thread& thread);
  // Whether breakpoints are still to be placed in a process that was attached to.
  [[nodiscard]] bool is_placing() const { return !places_in_.empty(); }
  // At each tick of that time: those that were asked have ended, or are where they cannot stop (a
  // vfork child has yet to exec).
  void ask_another();
  // That process has become another program.
  void forget(pid_t pid);

  // A child that is not to be followed has its parent's breakpoints in its text. It is let go as
  // soon as they are out; one that shares its parent's memory, when it execs. True: it was.
  bool on_unfollowed(StoppedThread& stop, Thread& thread);
  void detach_all();
  // The rest: programs that were started under the tracer run on as they do when it dies.
  void leave_all();

 private:
  // A thread that stands still, with the signal that it is to get.
  struct Standing {
    StoppedThread stop;
    int signal;
  };
  Status seize_all(const ProcessPtr& process);
  void ask_to_stop(Thread& thread);
  [[nodiscard]] bool awaits_stops(pid_t pid) const;
  static void free_of_breakpoints(Process& process);
  void let_go(StoppedThread stop, Thread& thread, int signal);
  std::vector<Standing> stop_attached();
  size_t ask_attached();
  Seen next_standing(const std::vector<Standing>& standing);
  std::optional<Standing> stand(const Seen& seen);
  void unmap_thunks(const Process& process, std::vector<Standing>& standing);

  const TraceRun& run_;
  Parts parts_;
  std::set<pid_t> places_in_;  // attached to; their breakpoints are still to be placed
};

}  // namespace wc

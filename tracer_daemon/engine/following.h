// Who is traced: how threads and processes come and go.
#pragma once

#include <unordered_map>

#include "break_scopes/break_placing.h"
#include "engine/handshake.h"
#include "program/preparation.h"
#include "recording/thread_records.h"
#include "recording/totals.h"
#include "signals/own_signals.h"
#include "tracee/resume.h"
#include "tracee/tracees.h"

namespace wc {

class Following {
 public:
  struct Parts {
    Tracees& tracees;
    Stops& stops;
    StopHandler& handler;
    OpenScopes& scopes;
    ThreadRecords& records;
    const Totals& totals;
    BreakPlacing& placing;
    Preparation& preparation;
    Handshake& handshake;
    Switching& switching;
    OwnSignals& own_signals;
  };
  Following(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

  void on_new_child(StoppedThread stop, Thread& parent);
  // A vfork child has left its parent's memory, by an exec or by its end, whose stop is yet to
  // come. The parent must find its slot as it left it before it runs.
  void on_vfork_done(StoppedThread stop, Thread& parent);
  void on_exec(StoppedThread stop, Thread& thread);
  // A thread has ended.
  void on_gone(const Seen& seen);
  // A stop of a thread that is not known: its parent's event says what it is, and may come later.
  void keep(const Seen& seen);
  // Those whose parent was killed before its event are adopted; those whose parent's event has not
  // come for long. At each tick.
  void adopt_orphans();
  [[nodiscard]] bool has_unclaimed() const { return !unclaimed_.empty(); }
  [[nodiscard]] bool awaits_parents() const { return has_unclaimed() || !gone_early_.empty(); }

  void remove_process(const ProcessPtr& process);

 private:
  struct FirstStop {
    int status;
    uint64_t tick;
  };
  void inherit(const Process& parent, Process& child, bool shares_memory) const;
  static void run_on_memory_of(const Thread& parent, Thread& child);
  static void inherit_breakpoints(const Process& parent, Process& child, bool shares_memory);
  void adopt(StoppedThread stop);
  Thread& take_leaders_place(const StoppedThread& stop, Thread& leader);
  void end_program(Thread& thread);

  const TraceRun& run_;
  Parts parts_;
  std::unordered_map<pid_t, FirstStop> gone_early_;  // ended before their parent's event came
  std::unordered_map<pid_t, FirstStop> unclaimed_;   // stopped before their parent's event came
};

}  // namespace wc

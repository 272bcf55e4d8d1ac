// --scope=main: what is between the entry of main and its return, or exit(3).
#pragma once

#include "break_scopes/break_placing.h"
#include "recording/thread_records.h"
#include "recording/totals.h"
#include "tracee/tracees.h"

namespace wc {

class MainScope {
 public:
  MainScope(const Tracees& tracees, const BreakPlacing& placing, OpenScopes& scopes,
            ThreadRecords& records, const Totals& totals)
      : tracees_(tracees), placing_(placing), scopes_(scopes), records_(records), totals_(totals) {}

  // libc is about to call it.
  void on_known(StoppedThread& stop, Thread& thread, uint64_t main) const;
  void on_entered(StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  void on_left(Thread& thread, uint64_t sp);

 private:
  const Tracees& tracees_;
  const BreakPlacing& placing_;
  OpenScopes& scopes_;
  ThreadRecords& records_;
  const Totals& totals_;
};

}  // namespace wc

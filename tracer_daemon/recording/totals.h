// How often each function was called in a process, and for how long: wc_totals at its end.
#pragma once

#include <span>
#include <vector>

#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

class Totals {
 public:
  explicit Totals(const TraceRun& run) : run_(run) {}

  // At the process's end, or the run's.
  void report(Process& process) const;
  // The names and libraries of own scopes, as long as the program is there to be read.
  void learn_own_scopes(Thread& thread) const;
  // Of the wrapped functions, so far; by row of the table, own scopes behind them.
  std::vector<wc_counter> of_wrapped(Process& process) const;
  // The same, since main was entered.
  std::vector<wc_counter> of_main(Process& process) const;

 private:
  void report_functions(pid_t pid, const FunctionTable& table,
                        const std::vector<wc_counter>& counts) const;
  void report_own_scopes(Process& process, std::span<const uint64_t> names,
                         const std::vector<wc_counter>& counts) const;

  const TraceRun& run_;
};

}  // namespace wc

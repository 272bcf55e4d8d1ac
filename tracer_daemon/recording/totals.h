// How often each function was called in a process, and for how long: wc_totals at its end.
#pragma once

#include <functional>
#include <vector>

#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

class Totals {
 public:
  explicit Totals(const TraceRun& run) : run_(run) {}

  enum class Which : uint32_t { Final = 0, SoFar = WC_TOTALS_SO_FAR };
  // At the process's end, or the run's; so far: whenever somebody asks.
  void report(Process& process, Which which = Which::Final) const;
  // The same so far, for somebody who is no back end.
  using Visit = std::function<void(const FunctionInfo& function, const wc_counter& counter)>;
  void each(Process& process, const Visit& visit) const;
  // The names and libraries of own scopes, as long as the program is there to be read.
  void learn_own_scopes(Thread& thread) const;
  // Of the wrapped functions, so far; by row of the table, own scopes behind them.
  std::vector<wc_counter> of_wrapped(Process& process) const;
  // The same, since main was entered.
  std::vector<wc_counter> of_main(Process& process) const;

 private:
  void visit_own_scopes(Process& process, const std::vector<wc_counter>& counts,
                        const Visit& visit) const;

  const TraceRun& run_;
};

}  // namespace wc

// What every part of the tracer shares in one run: what was asked for, where events are reported,
// and how a line is said to the user. Lives as long as the Tracer; its parts keep a reference.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "breakpoints/break_plan.h"
#include "catalog/selection.h"
#include "control/sample_list.h"
#include "events/pipeline.h"
#include "kernel/stopped_thread.h"
#include "protocol/shared.h"
#include "rings/process_share.h"
#include "rules/rule_set.h"

namespace wc {

struct TracerOptions {
  wc_gate gate = WC_GATE_TRAP;
  uint32_t config = 0;  // OR of enum wc_config
  bool follow = true;
  int verbose = 0;
  bool whole_process = false;  // --scope=process: all syscalls, with or without a call around them
  bool wraps = true;           // functions are wrapped
  std::string shim_path;       // as /proc/PID/maps names it
  SharedMemory shared_memory{};       // what is shared with each process comes from here
  bool standing = false;              // serve: continues when no tracee is left
  bool signals_stop = false;          // signals to the tracer end it; else they are the program's
  SyscallPlans plans{};               // engine inproc: with WC_CONFIG_IN_PROCESS
  std::shared_ptr<BreakPlan> breaks;  // functions that get a breakpoint; null: none
  bool main_only = false;             // --scope=main
  bool phases = false;                // of each program's life are reported
  bool watch_libraries = false;       // on_libraries_changed() is wanted for its own sake
  std::vector<std::string> patched_libraries;  // engine inproc: globs over file names
  std::shared_ptr<RuleSet> rules;              // what happens to syscalls; null: nothing
  bool is_controlled = false;                  // --control: functions may be switched
  std::vector<Term> switched_on;               // of those that are prepared, at the start
  SampleList samples;                          // of their calls
  uint32_t planned_wants = 0;                  // what back ends that come later may want
  DecodeOptions decode;

  [[nodiscard]] bool rules_concern(uint64_t nr) const {
    return rules != nullptr && rules->concerns(static_cast<uint32_t>(nr));
  }
  // Of engine inproc, for -v and for wc-ctl's status: nobody else sees the numbers.
  [[nodiscard]] bool counts_stops() const {
    return (config & WC_CONFIG_IN_PROCESS) != 0 && (verbose > 0 || is_controlled);
  }
  [[nodiscard]] bool looks_for_main() const { return main_only || phases; }
  [[nodiscard]] bool uses_breakpoints() const {
    return breaks != nullptr || looks_for_main() || watch_libraries;
  }

  // Whether children must be traced: also where they are not followed, for they inherit
  // breakpoints.
  [[nodiscard]] Follow follows_forks() const {
    return follow || uses_breakpoints() ? Follow::Children : Follow::ThreadsOnly;
  }
};

// Engine inproc: what becomes of each syscall in a process, as the rules stand now. One that a rule
// is about stops the program.
void publish_plans(const TracerOptions& options, wc_shared_header& header);

struct TraceRun {
  const TracerOptions& options;
  Pipeline& pipeline;

  // Whether a rule, or a back end, may do something to such a syscall.
  [[nodiscard]] bool may_change(uint64_t nr) const {
    return options.rules_concern(nr) || pipeline.backends().wants(WC_WANT_VERDICTS);
  }
  // A line to standard error, where -v was given at least `level` times.
  void say(int level, const std::string& text) const;
};

}  // namespace wc

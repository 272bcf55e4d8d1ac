// From what was asked for, what the back ends want and what the machine can do to what each part of
// the tracer is given. Pure: no I/O, the same arguments give the same plan.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend_host/demand.h"
#include "base/result.h"
#include "bpf/bpf_engine.h"
#include "breakpoints/break_plan.h"
#include "config/options.h"
#include "events/event_filter.h"
#include "events/pipeline.h"
#include "launch/gate_choice.h"
#include "program/program_tables.h"
#include "tracee/trace_run.h"

namespace wc {

// The lists of the options, parsed. Before anything is opened: a wrong one changes nothing.
struct RunLists {
  std::vector<Term> functions;  // that are reported from the start
  std::vector<Term> prepared;   // that are wrapped: more, where they can be switched
  SampleList samples;
  SyscallSet syscalls;
  std::shared_ptr<BreakPlan> breaks;  // null: no function gets a breakpoint
};
Result<RunLists> parse_lists(const Options& options);

// What was found on this machine, and made for this run.
struct Machine {
  GateDecision gate;
  std::string shim_path;    // as programs find it; empty: nothing is wrapped
  std::string socket_path;  // for shims that need one
  bool standing = false;    // serve
};

struct RunPlan {
  std::string engine;                 // why it is that one, for -v
  std::vector<std::string> warnings;  // what has no effect
  DecodeOptions decode;
  TableOptions tables;            // the cache is its user's
  TracerOptions tracer;           // shared_memory is the machine's
  std::optional<BpfOptions> bpf;  // of that engine, in place of `tracer`
  StackOptions stacks;
};
// Errors: the engine that was asked for cannot do all of it.
Result<RunPlan> plan_run(const Options& options, const RunLists& lists, const Demand& demand,
                         const Machine& machine);

// What back ends are told of the run.
HostOptions host_options(const Options& options);

// Which events reach the back ends.
EventFilterOptions event_filter(const Options& options);

}  // namespace wc

#include "launch/plan_run.h"

#include <utility>

#include "launch/engine_choice.h"
#include "program/capture_plan.h"

namespace wc {
namespace {

// wc-ctl can reach the run.
bool is_controlled(const Options& options) { return !options.control_path.empty(); }

uint32_t config_for(const Options& options, const Demand& demand) {
  uint32_t config = options.scope == ScopeMode::Process ? WC_CONFIG_OPEN_GATE : 0;
  if (!options.follow) config |= WC_CONFIG_ALONE;
  if (demand.wants(WC_WANT_ALL_CALLS)) config |= WC_CONFIG_ALL_CALLS;
  if (demand.wants(WC_WANT_CALL_TIME)) config |= WC_CONFIG_CALL_TIME;
  if (demand.wants(WC_WANT_COUNTS)) config |= WC_CONFIG_COUNTS | WC_CONFIG_CALL_TIME;
  return config;
}

FrameChoice frames_of(const Options& options) {
  switch (options.frames) {
    case StackFunctions::Python:
      return FrameChoice::Python;
    case StackFunctions::Auto:
      return FrameChoice::Auto;
    default:
      return FrameChoice::Native;
  }
}

struct EngineDecision {
  bool in_process = false;
  std::string why;
  bool in_kernel = false;
};

Result<EngineDecision> choose_bpf(const Demand& demand) {
  if (auto built = bpf_is_built(); !built) return built.error();
  if (demand.wants(WC_WANT_VERDICTS))
    return Error{
        "engine bpf: a backend decides over syscalls, and it changes nothing; use -E ptrace", 0};
  if (demand.wants(WC_WANT_STACK))
    return Error{"engine bpf: it takes no stacks (-k, folded); use -E ptrace", 0};
  return EngineDecision{false, "engine bpf: as asked for", true};
}

Result<EngineDecision> choose_engine(const Options& options, wc_gate gate, const Demand& demand) {
  if (options.engine == EngineChoice::Ptrace)
    return EngineDecision{false, "engine ptrace: as asked for"};
  if (options.engine == EngineChoice::Bpf) return choose_bpf(demand);
  std::string obstacle = inproc_obstacle(options, gate);
  if (obstacle.empty() && demand.wants(WC_WANT_VERDICTS))
    obstacle = "a backend decides over syscalls";
  if (obstacle.empty() && demand.wants(WC_WANT_ENTER))
    obstacle = "a backend wants to see syscalls before they happen";
  if (options.engine == EngineChoice::Inproc && !obstacle.empty())
    return Error{"engine inproc: " + obstacle + "; use -E ptrace", 0};
  if (options.engine == EngineChoice::Inproc)
    return EngineDecision{true, "engine inproc: as asked for"};
  if (options.engine == EngineChoice::Default)
    return EngineDecision{false, "engine ptrace: the default"};
  if (obstacle.empty() && options.frames == StackFunctions::Python && demand.wants(WC_WANT_STACK))
    obstacle = "--frames=python needs a stop at every system call that is reported";
  if (obstacle.empty())
    return EngineDecision{true, "engine inproc: it can do all that is asked for"};
  return EngineDecision{false, "engine ptrace: " + obstacle};
}

Result<std::shared_ptr<BreakPlan>> plan_breakpoints(const Options& options,
                                                    const std::vector<Term>& functions) {
  auto terms = parse_breakpoints(options.breakpoints);
  if (!terms) return terms.error();
  bool by_breakpoint =
      (!options.pids.empty() || options.engine == EngineChoice::Bpf) && selects_functions(options);
  auto plan = std::make_shared<BreakPlan>(std::move(*terms),
                                          by_breakpoint ? functions : std::vector<Term>());
  if (plan->empty()) plan = nullptr;
  return plan;
}

TableOptions table_options(const Options& options, const RunLists& lists, const Demand& demand,
                           const Machine& machine) {
  TableOptions tables;
  tables.terms = lists.prepared;
  tables.user_preloads = options.user_preloads;
  tables.shim_path = machine.shim_path;
  tables.socket_path = machine.socket_path;
  tables.gate = machine.gate.gate;
  tables.values_at_return = demand.wants(WC_WANT_TEXT);
  tables.all_calls = demand.wants(WC_WANT_ALL_CALLS);
  tables.stacks = demand.wants(WC_WANT_STACK);
  return tables;
}

TracerOptions tracer_options(const Options& options, const RunLists& lists, const Demand& demand,
                             const Machine& machine) {
  TracerOptions tracer;
  tracer.gate = machine.gate.gate;
  tracer.config = config_for(options, demand);
  tracer.follow = options.follow;
  tracer.watch_libraries = options.objects;
  tracer.verbose = options.verbose;
  tracer.whole_process = options.scope == ScopeMode::Process;
  tracer.wraps = wraps(options);
  tracer.breaks = lists.breaks;
  tracer.main_only = options.scope == ScopeMode::Main;
  tracer.phases = tracer.whole_process && options.pids.empty() && demand.wants(WC_WANT_PHASES);
  tracer.shim_path = machine.shim_path;
  tracer.standing = machine.standing;
  tracer.signals_stop = machine.standing || !options.pids.empty();
  tracer.is_controlled = is_controlled(options);
  tracer.switched_on = lists.functions;
  tracer.samples = lists.samples;
  if (tracer.is_controlled || !tracer.samples.empty()) tracer.config |= WC_CONFIG_SAMPLES;
  tracer.planned_wants = demand.all | WC_WANT_PATHS | WC_WANT_CALLER;
  if ((tracer.config & WC_CONFIG_IN_PROCESS) == 0)
    tracer.planned_wants |= WC_WANT_ENTER | WC_WANT_VERDICTS;
  return tracer;
}

// Engine inproc: what the shim is to record.
void record_in_process(const Options& options, const RunLists& lists, const Demand& demand,
                       RunPlan& plan) {
  plan.tables.in_process = true;
  TracerOptions& tracer = plan.tracer;
  tracer.config |= WC_CONFIG_IN_PROCESS;
  if (demand.wants(WC_WANT_STACK)) tracer.config |= WC_CONFIG_STACKS;
  if (demand.wants(WC_WANT_SYSCALL_TIME)) tracer.config |= WC_CONFIG_SYSCALL_TIME;
  if (options.overflow == Overflow::Drop) tracer.config |= WC_CONFIG_DROP;
  tracer.patched_libraries = options.patched_libraries;
  tracer.plans = plan_syscalls(lists.syscalls, plan.decode, demand.wants(WC_WANT_TEXT));
}

BpfOptions bpf_options(const Options& options, const RunLists& lists, const Demand& demand,
                       const DecodeOptions& decode) {
  BpfOptions bpf;
  bpf.breaks = lists.breaks;
  bpf.syscalls = lists.syscalls;
  bpf.decode = decode;
  bpf.with_memory = demand.wants(WC_WANT_TEXT);
  bpf.all_calls = demand.wants(WC_WANT_ALL_CALLS);
  bpf.counts = demand.wants(WC_WANT_COUNTS);
  bpf.follow = options.follow;
  bpf.signals_stop = !options.pids.empty();
  bpf.verbose = options.verbose;
  return bpf;
}

}  // namespace

HostOptions host_options(const Options& options) {
  HostOptions host;
  host.string_size = options.string_size;
  host.time_format = static_cast<uint32_t>(options.time_format);
  host.show_duration = options.show_duration;
  host.all_calls = options.all_calls;
  host.whole_process = options.scope == ScopeMode::Process;
  host.stack_trace = options.stack_trace;
  host.leaves_out_syscalls = event_filter(options).leaves_out_syscalls();
  host.output_path = options.output;
  if (options.color != ColorChoice::Auto) host.colored = options.color == ColorChoice::Always;
  host.version = version_number();
  host.argv = options.program;
  if (selects_functions(options)) host.functions = options.functions;
  host.breakpoints = options.breakpoints;
  if (options.append) host.existing = Existing::Append;
  host.separately = options.separately;
  if (options.engine == EngineChoice::Inproc) host.engine = "inproc";
  if (options.engine == EngineChoice::Bpf) host.engine = "bpf";
  return host;
}

EventFilterOptions event_filter(const Options& options) {
  static_assert(kReportSuccessful == kSuccessful && kReportFailed == kFailed &&
                kReportUnfinished == kUnfinished && kHideExits == kQuietExit &&
                kHideSignals == kQuietSignals);
  return {options.statuses, options.paths, options.signals, options.quiet};
}

namespace {

// What can be switched on later is wrapped from the start. An exclusion of -F leaves out now what
// may be wanted then.
Result<std::vector<Term>> prepare(const Options& options, const std::vector<Term>& selected) {
  if (!is_controlled(options) || !wraps(options)) return selected;
  auto prepared = parse_selection(options.prepared.empty() ? "@default" : options.prepared);
  if (!prepared) return Error{"--prepare: " + prepared.error().message};
  for (const Term& term : selected)
    if (!term.exclude) prepared->push_back(term);
  return prepared;
}

Result<SampleList> parse_samples(const Options& options) {
  SampleList samples;
  for (const SampleText& one : options.samples) {
    const auto kind = one.kind == SampleText::Kind::Every  ? CallSample::Kind::Every
                      : one.kind == SampleText::Kind::Rate ? CallSample::Kind::Rate
                                                           : CallSample::Kind::First;
    auto sample = parse_sample(kind, one.text);
    if (!sample) return Error{"--" + sample.error().message};
    if (!samples.add(std::move(*sample)))
      return Error{"there are at most " + std::to_string(WC_SAMPLES) +
                   " of --every, --rate and --first"};
  }
  return samples;
}

}  // namespace

Result<RunLists> parse_lists(const Options& options) {
  RunLists lists;
  // A library of the user's is preloaded without wrapping anything.
  auto functions = parse_selection(selects_functions(options) ? options.functions : "");
  if (!functions) return functions.error();
  lists.functions = std::move(*functions);
  auto prepared = prepare(options, lists.functions);
  if (!prepared) return prepared.error();
  lists.prepared = std::move(*prepared);
  auto samples = parse_samples(options);
  if (!samples) return samples.error();
  lists.samples = std::move(*samples);
  lists.syscalls.set();
  if (!options.syscalls.empty()) {
    auto parsed = parse_syscall_filter(options.syscalls);
    if (!parsed) return parsed.error();
    lists.syscalls = *parsed;
  }
  auto breaks = plan_breakpoints(options, lists.functions);
  if (!breaks) return breaks.error();
  lists.breaks = *breaks;
  return lists;
}

// A back end that comes later finds what it wants, but for what costs each call a stop or a stack.
static Demand demand_later(const Options& options, Demand demand) {
  if (is_controlled(options))
    demand.all |= WC_WANT_TEXT | WC_WANT_CALLER | WC_WANT_CALL_TIME | WC_WANT_SYSCALL_TIME |
                  WC_WANT_PATHS | WC_WANT_COUNTS;
  // Who asked for them has them shown by somebody who comes later, or looks on (subscribe).
  if (is_controlled(options) && options.stack_trace) demand.all |= WC_WANT_STACK;
  return demand;
}

Result<RunPlan> plan_run(const Options& options, const RunLists& lists, const Demand& first,
                         const Machine& machine) {
  const Demand demand = demand_later(options, first);
  auto engine = choose_engine(options, machine.gate.gate, demand);
  if (!engine) return engine.error();
  RunPlan plan;
  plan.engine = engine->why;
  plan.decode.string_size = options.string_size;
  plan.decode.show_paths = options.show_paths;
  plan.decode.show_addresses = options.show_addresses;
  plan.tables = table_options(options, lists, demand, machine);
  plan.tables.decode = plan.decode;
  plan.tracer = tracer_options(options, lists, demand, machine);
  plan.tracer.decode = plan.decode;
  if (engine->in_kernel) plan.bpf = bpf_options(options, lists, demand, plan.decode);
  if (engine->in_process) record_in_process(options, lists, demand, plan);
  plan.stacks = {machine.shim_path, options.stack_depth, frames_of(options)};
  if (options.frames != StackFunctions::Native && !demand.wants(WC_WANT_STACK))
    plan.warnings.emplace_back(
        "--frames has no effect: no backend of this run shows stacks; text, json and folded do");
  return plan;
}

}  // namespace wc

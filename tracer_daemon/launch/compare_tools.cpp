// --compare and `wc-tracerd measure`: looks at what works here and hands over.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "compare/compare.h"
#include "launch/engine_choice.h"
#include "launch/gate_choice.h"
#include "launch/launch.h"
#include "launch/preflight.h"
#include "measure/child.h"
#include "measure/plan_file.h"
#include "measure/result_json.h"
#include "proc/process.h"

namespace wc {
namespace {

constexpr double kForever = 1e12;  // seconds

int fail(const std::string& message) {
  complain(message);
  return kTracerFailed;
}

std::string version_line() {
  std::string version = version_text();
  if (version.ends_with('\n')) version.pop_back();
  return version;
}

// What people type is the launcher script, so that its cost counts: beside the tracer once
// installed, above the build folder in a checkout.
std::vector<std::string> launcher() {
  const std::string tracer = proc::exe_path(getpid());
  const std::string folder = tracer.substr(0, tracer.rfind('/'));
  for (const char* place : {"/wc-preload", "/../../../wc-preload"}) {
    const std::unique_ptr<char, decltype(&std::free)> path(
        realpath((folder + place).c_str(), nullptr), std::free);
    if (path && access(path.get(), X_OK) == 0) return {path.get()};
  }
  return {tracer, "run"};
}

struct GateName {
  GateChoice choice;
  const char* name;
};

constexpr GateName kGates[] = {
    {GateChoice::Dispatch, "dispatch"}, {GateChoice::Trap, "trap"}, {GateChoice::Socket, "socket"}};

// As if the signal had ended us.
[[noreturn]] void end_by(int number) {
  signal(number, SIG_DFL);
  raise(number);
  _exit(128 + number);
}

}  // namespace

int compare_tools(const Options& options) {
  Target target = inspect_target(options.program[0], Purpose::Trace);
  if (!target.refusal.message.empty()) {
    complain(target.refusal.message);
    return target.refusal.status;
  }
  const Sandbox sandbox = Sandbox::examine();
  compare::Request request;
  request.options = options;
  request.launcher = launcher();
  request.cannot_wrap = inspect_target(options.program[0], Purpose::Wrap).refusal.message;
  request.wraps = wraps(options);
  for (const GateName& gate : kGates) {
    if (choose_gate(gate.choice, sandbox)) request.gates.emplace_back(gate.name);
  }
  request.in_process = choose_gate(GateChoice::Dispatch, sandbox).ok();
  request.inproc_obstacle = inproc_obstacle(options, WC_GATE_DISPATCH);
  if (options.gate != GateChoice::Auto) {
    if (auto works = choose_gate(options.gate, sandbox); !works) return fail(works.error().message);
  }
  auto verdict = compare::compare(request, version_line());
  if (!verdict) {
    if (measure::interrupted_by() != 0) end_by(measure::interrupted_by());
    return fail(verdict.error().message);
  }
  if (*verdict == compare::Verdict::Interrupted) end_by(measure::interrupted_by());
  return *verdict == compare::Verdict::AllMeasured ? 0 : kTracerFailed;
}

// JSON Lines on standard output: the head, each row once it is done, how quiet it was.
int measure_plan(const Options& options) {
  auto plan = measure::read_plan(options.program[0]);
  if (!plan) return fail(plan.error().message);
  if (auto able = measure::become_subreaper(); !able) return fail(able.error().message);
  measure::take_interrupts();
  const auto print = [](const std::string& name, const std::string& json) {
    fmt::print("{}\n", measure::wrapped(name, json));
    std::fflush(stdout);
  };
  print("head", measure::head_json(measure::this_machine(), {version_line()}));
  const measure::Interference interference;
  for (const measure::Row& row : plan->rows) {
    print("row", measure::row_json(measure::measure(row, *plan, kForever, [](const auto&) {})));
    if (measure::interrupted_by() != 0) end_by(measure::interrupted_by());
  }
  print("others", fmt::format("{:.3f}", interference.share()));
  return 0;
}

}  // namespace wc

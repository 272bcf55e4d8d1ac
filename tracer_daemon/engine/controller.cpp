#include "engine/controller.h"

#include <sys/random.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "decode/syscall_filter.h"
#include "events/tick_clock.h"
#include "program/capture_plan.h"

namespace wc {

using nlohmann::json;
using Action = ControlCommand::Action;

// Its members in the order in which they are printed.
struct Controller::Answer {
  nlohmann::ordered_json fields;
};

Controller::Controller(const TraceRun& run, const Parts& parts, SyscallPlans& plans)
    : run_(run), parts_(parts), plans_(plans), begun_(TickClock::now()) {
  for (uint32_t nr = 0; nr < syscalls_.size(); nr++) syscalls_[nr] = run.pipeline.reports(nr);
}

std::string Controller::execute(const std::string& line) {
  Answer answer;
  answer.fields["ok"] = true;
  auto command = parse_command(line);
  Status done = command ? perform(*command, answer) : Status(command.error());
  if (!done) answer.fields = {{"ok", false}, {"error", done.error().message}};
  // What came with the request may be no UTF-8.
  return answer.fields.dump(-1, ' ', false, json::error_handler_t::replace);
}

Status Controller::perform(const ControlCommand& command, Answer& answer) {
  Status done = Done{};
  BackendSet& backends = run_.pipeline.backends();
  switch (command.verb) {
    case ControlCommand::Verb::Describe:
      describe(answer);
      return done;
    case ControlCommand::Verb::Functions:
      done = change_functions(command);
      break;
    case ControlCommand::Verb::Syscalls:
      done = change_syscalls(command.text);
      break;
    case ControlCommand::Verb::Sample:
      done = change_samples(command.text);
      break;
    case ControlCommand::Verb::Pause:
    case ControlCommand::Verb::Resume:
      pause(command.verb == ControlCommand::Verb::Pause);
      break;
    case ControlCommand::Verb::Flush:
      drain();
      backends.flush(TickClock::now());
      break;
    case ControlCommand::Verb::Stop:
      stop_requested_ = true;
      break;
    case ControlCommand::Verb::Backend:
      done = change_backends(command, answer);
      break;
    case ControlCommand::Verb::Inject:
      done = change_rules(command, answer);
      break;
  }
  if (command.action != Action::List) answer.fields["from"] = backends.counts().events + 1;
  return done;
}

// What the threads have recorded belongs to the time before the change.
void Controller::drain() {
  for (const auto& [tid, thread] : parts_.tracees.threads) {
    thread->process->memory.forget();  // it runs: what was read at its last stop is old
    parts_.records.drain(*thread, 0);
  }
}

namespace {

Status check_wraps(const TracerOptions& options) {
  if (options.wraps) return Done{};
  return Error{
      "no functions are wrapped in this run (those of -B and -p have breakpoints, which stay)"};
}

}  // namespace

Status Controller::change_functions(const ControlCommand& command) {
  if (auto fits = check_wraps(run_.options); !fits) return fits;
  std::vector<const FunctionTable*> tables;
  for (const auto& [pid, process] : parts_.tracees.processes)
    if (process->table != nullptr &&
        std::ranges::find(tables, process->table.get()) == tables.end())
      tables.push_back(process->table.get());
  const auto how = command.action == Action::Set   ? FunctionSwitch::Change::Set
                   : command.action == Action::Add ? FunctionSwitch::Change::Add
                                                   : FunctionSwitch::Change::Remove;
  if (auto changed = parts_.switching.functions().change(how, command.text, tables); !changed)
    return changed;
  parts_.switching.apply([this] { drain(); });
  return Done{};
}

// every=N, rate=N, first=N, off; then, behind a blank, which functions.
Status Controller::change_samples(const std::string& text) {
  if (auto fits = check_wraps(run_.options); !fits) return fits;
  const size_t blank = std::min(text.find_first_of(" \t"), text.size());
  std::string what = text.substr(0, blank), functions;
  if (const size_t begin = text.find_first_not_of(" \t", blank); begin != std::string::npos)
    functions = text.substr(begin);
  SampleList samples = parts_.switching.functions().samples();
  if (what == "off" && functions.empty()) {
    parts_.switching.sample({}, [this] { drain(); });
    return Done{};
  }
  const size_t equals = what.find('=');
  const std::string kind = what.substr(0, equals);
  const auto known = kind == "every"   ? std::optional(CallSample::Kind::Every)
                     : kind == "rate"  ? std::optional(CallSample::Kind::Rate)
                     : kind == "first" ? std::optional(CallSample::Kind::First)
                     : what == "off"   ? std::optional(CallSample::Kind::All)
                                       : std::nullopt;
  if (!known || (equals == std::string::npos) != (what == "off"))
    return Error{"'" + what + "' is none of every=N, rate=N, first=N, off"};
  std::string rest = equals == std::string::npos ? "" : what.substr(equals + 1);
  if (*known == CallSample::Kind::All)
    rest = functions;
  else if (!functions.empty())
    rest += "@" + functions;
  auto sample = parse_sample(*known, rest);
  if (!sample) return sample.error();
  if (!samples.add(std::move(*sample)))
    return Error{"there are too many different lists of functions; begin again with: sample off"};
  parts_.switching.sample(std::move(samples), [this] { drain(); });
  return Done{};
}

Status Controller::change_syscalls(const std::string& list) {
  auto parsed = parse_syscall_filter(list);
  if (!parsed) return parsed.error();
  syscalls_ = *parsed;
  if (!parts_.switching.functions().is_paused()) report_only(syscalls_);
  return Done{};
}

// Engine inproc records what its plans say; what comes of the old ones is left out.
void Controller::report_only(const SyscallSet& syscalls) {
  if (run_.options.config & WC_CONFIG_IN_PROCESS) {
    plans_ = plan_syscalls(syscalls, run_.options.decode, true);
    for (const auto& [pid, process] : parts_.tracees.processes) {
      if (process->share == nullptr) continue;
      wc_shared_header& header = process->share->header();
      for (size_t nr = 0; nr < plans_.size(); nr++)
        __atomic_store_n(&header.plans[nr].action, plans_[nr].action, __ATOMIC_RELEASE);
    }
  }
  drain();
  run_.pipeline.report_only(syscalls);
}

void Controller::pause(bool is_paused) {
  FunctionSwitch& functions = parts_.switching.functions();
  if (functions.is_paused() == is_paused) return;
  functions.pause(is_paused);
  parts_.switching.apply([this] { drain(); });
  report_only(is_paused ? SyscallSet() : syscalls_);
}

Status Controller::change_backends(const ControlCommand& command, Answer& answer) {
  BackendSet& backends = run_.pipeline.backends();
  const uint32_t planned = run_.options.planned_wants;
  if (command.action != Action::List) drain();
  switch (command.action) {
    case Action::Add: {
      auto id = backends.add(command.text, planned);
      if (!id) return id.error();
      answer.fields["id"] = *id;
      return Done{};
    }
    case Action::Remove:
      return backends.remove(command.id);
    case Action::Replace:
      return backends.replace(command.id, command.text, planned);
    default:
      break;
  }
  auto list = json::array();
  for (const auto& [id, spec] : backends.list()) list.push_back({{"id", id}, {"spec", spec}});
  answer.fields["backends"] = list;
  return Done{};
}

namespace {

json rules_of(const RuleSet& rules) {
  auto list = json::array();
  for (size_t n : rules.numbers())
    list.push_back({{"n", n}, {"rule", rules.rule(n).text}, {"hits", rules.hits(n)}});
  return list;
}

}  // namespace

Status Controller::change_rules(const ControlCommand& command, Answer& answer) {
  if (run_.options.config & WC_CONFIG_IN_PROCESS || run_.options.rules == nullptr)
    return Error{"rules need stops, which engine inproc has not; start with -E ptrace"};
  RuleSet& rules = *run_.options.rules;
  switch (command.action) {
    case Action::Add: {
      auto rule = parse_rule(RuleKind::Inject, command.text);
      if (!rule) return rule.error();
      if (rule->probability < 1 && !rule->seed_given) {
        if (getrandom(&rule->seed, sizeof rule->seed, 0) != sizeof rule->seed)
          rule->seed = TickClock::now();
        answer.fields["seed"] = rule->seed;
      }
      auto number = rules.add(std::move(*rule));
      if (!number) return Error{"there have been too many rules in this run"};
      answer.fields["n"] = *number;
      return Done{};
    }
    case Action::Remove:
      if (!rules.remove(command.id))
        return Error{"no rule " + std::to_string(command.id) + " is in force: inject list"};
      return Done{};
    case Action::Clear:
      for (size_t n : rules.numbers()) rules.remove(n);
      return Done{};
    default:
      answer.fields["rules"] = rules_of(rules);
      return Done{};
  }
}

void Controller::describe(Answer& answer) {
  const TracerOptions& options = run_.options;
  const BackendSet& backends = run_.pipeline.backends();
  auto& fields = answer.fields;
  fields["processes"] = parts_.tracees.processes.size();
  fields["threads"] = parts_.tracees.threads.size();
  fields["engine"] = options.config & WC_CONFIG_IN_PROCESS ? "inproc" : "ptrace";
  fields["gate"] = options.gate == WC_GATE_DISPATCH ? "dispatch"
                   : options.gate == WC_GATE_SOCKET ? "socket"
                                                    : "trap";
  fields["functions"] = parts_.switching.functions().list();
  fields["paused"] = parts_.switching.functions().is_paused();
  auto sampling = json::array();
  const SampleList& samples = parts_.switching.functions().samples();
  for (size_t i = 0; i < samples.size(); i++) sampling.push_back(samples[i].text);
  fields["sampling"] = sampling;
  fields["rules"] = options.rules != nullptr ? rules_of(*options.rules) : json::array();
  auto list = json::array();
  for (const auto& [id, spec] : backends.list()) list.push_back({{"id", id}, {"spec", spec}});
  fields["backends"] = list;
  fields["events"] = backends.counts().events;
  fields["lost"] = backends.counts().lost;
  constexpr double kSecond = 1e9;
  fields["uptime"] = static_cast<double>(TickClock::now() - begun_) / kSecond;
}

}  // namespace wc

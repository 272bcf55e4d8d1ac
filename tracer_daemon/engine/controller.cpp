#include "engine/controller.h"

#include <nlohmann/json.hpp>

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

void Controller::execute(const std::string& line, const std::shared_ptr<ControlPeer>& peer) {
  Answer answer;
  answer.fields["ok"] = true;
  auto command = parse_command(line);
  const bool subscribes = command && command->verb == ControlCommand::Verb::Subscribe;
  Status done = Done{};
  if (!command)
    done = command.error();
  else if (subscribes)
    done = parts_.subscriptions.add(command->text, peer);
  else if (command->verb == ControlCommand::Verb::Interval)
    done = parts_.subscriptions.change_interval(command->text, *peer);
  else
    done = perform(*command, answer);
  if (!done)
    answer.fields = {{"ok", false}, {"error", done.error().message}};
  else if (subscribes)
    answer.fields["from"] = run_.pipeline.backends().counts().events + 1;
  // What came with the request may be no UTF-8.
  peer->answer(
      answer.fields.dump(-1, ' ', false, json::error_handler_t::replace),
      subscribes && done ? ControlPeer::Then::FurtherLines : ControlPeer::Then::AnotherRequest);
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
      parts_.records.drain_running(parts_.tracees);
      flush(run_.pipeline, TickClock::now());
      break;
    case ControlCommand::Verb::Snapshot:
      done = write_snapshot(command.text, answer);
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
    case ControlCommand::Verb::Subscribe:
    case ControlCommand::Verb::Interval:
      break;  // execute() has done it
  }
  if (command.action != Action::List) answer.fields["from"] = backends.counts().events + 1;
  return done;
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
  parts_.switching.apply();
  return Done{};
}

Status Controller::change_samples(const std::string& request) {
  if (auto fits = check_wraps(run_.options); !fits) return fits;
  auto sample = parse_sample_request(request);
  if (!sample) return sample.error();
  SampleList samples = parts_.switching.functions().samples();
  if (!samples.add(std::move(*sample)))
    return Error{"there are too many different lists of functions; begin again with: sample off"};
  parts_.switching.sample(std::move(samples));
  return Done{};
}

Status Controller::change_syscalls(const std::string& list) {
  auto parsed = parse_syscall_filter(list);
  if (!parsed) return parsed.error();
  syscalls_ = *parsed;
  if (!parts_.switching.functions().is_paused()) report_only(syscalls_);
  return Done{};
}

// What was recorded by the old plans is reported before the change.
void Controller::publish() {
  if (run_.options.config & WC_CONFIG_IN_PROCESS)
    for (const auto& [pid, process] : parts_.tracees.processes)
      if (process->share != nullptr) publish_plans(run_.options, process->share->header());
  parts_.records.drain_running(parts_.tracees);
}

// Engine inproc records what its plans say; what comes of the old ones is left out.
void Controller::report_only(const SyscallSet& syscalls) {
  if (run_.options.config & WC_CONFIG_IN_PROCESS)
    plans_ = plan_syscalls(syscalls, run_.options.decode, true);
  publish();
  run_.pipeline.report_only(syscalls);
}

void Controller::pause(bool is_paused) {
  FunctionSwitch& functions = parts_.switching.functions();
  if (functions.is_paused() == is_paused) return;
  // A call that is reported has its system calls: the filter opens first and closes last.
  if (!is_paused) report_only(syscalls_);
  functions.pause(is_paused);
  parts_.switching.apply();
  if (is_paused) report_only(SyscallSet());
}

namespace {

json backends_of(const BackendSet& backends) {
  auto list = json::array();
  for (const auto& [id, spec] : backends.list()) list.push_back({{"id", id}, {"spec", spec}});
  return list;
}

}  // namespace

// The tracer's folder need not be that of who asks.
Status Controller::write_snapshot(const std::string& path, Answer& answer) {
  if (!path.starts_with('/')) return Error{"'" + path + "' is no absolute path"};
  parts_.records.drain_running(parts_.tracees);
  if (Status written = run_.pipeline.journal().flight.write(path); !written) return written;
  answer.fields["file"] = path;
  return Done{};
}

Status Controller::change_backends(const ControlCommand& command, Answer& answer) {
  BackendSet& backends = run_.pipeline.backends();
  const uint32_t planned = run_.options.planned_wants;
  if (command.action != Action::List) parts_.records.drain_running(parts_.tracees);
  // What is kept for a raw file reaches it before it is closed.
  if (Tape* tape = run_.pipeline.journal().tape; tape != nullptr && command.action != Action::List)
    tape->hand_out();
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
  answer.fields["backends"] = backends_of(backends);
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
  RuleSet& rules = *run_.options.rules;  // there is one where there is control
  switch (command.action) {
    case Action::Add: {
      auto rule = parse_rule(RuleKind::Inject, command.text);
      if (!rule) return rule.error();
      if (choose_seed(*rule)) answer.fields["seed"] = rule->seed;
      auto number = rules.add(std::move(*rule));
      if (!number) return Error{"there have been too many rules in this run"};
      answer.fields["n"] = *number;
      publish();
      return Done{};
    }
    case Action::Remove:
      if (!rules.remove(command.id))
        return Error{"no rule " + std::to_string(command.id) + " is in force: inject list"};
      publish();
      return Done{};
    case Action::Clear:
      for (size_t n : rules.numbers()) rules.remove(n);
      publish();
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
  fields["backends"] = backends_of(backends);
  if (options.config & WC_CONFIG_IN_PROCESS) {
    auto stops = json::array();
    for (const StopCounts::Row& row : parts_.dispatch.stop_counts().rows())
      stops.push_back({{"function", row.function},
                       {"syscall", row.syscall},
                       {"reason", name_of(row.reason)},
                       {"count", row.count}});
    fields["stops"] = stops;
  }
  fields["events"] = backends.counts().events;
  fields["lost"] = backends.counts().lost;
  constexpr double kSecond = 1e9;
  fields["uptime"] = static_cast<double>(TickClock::now() - begun_) / kSecond;
}

}  // namespace wc

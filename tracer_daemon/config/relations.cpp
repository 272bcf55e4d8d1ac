#include "config/relations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/words.h"

namespace wc::config {
namespace {

constexpr unsigned of(Occasion occasion) { return static_cast<unsigned>(occasion); }
constexpr unsigned kStart = of(Occasion::Start);
constexpr unsigned kAttach = of(Occasion::Attach);
constexpr unsigned kServe = of(Occasion::Serve);
constexpr unsigned kCompare = of(Occasion::Compare);
constexpr unsigned kExplore = of(Occasion::Explore);
constexpr unsigned kReplay = of(Occasion::Replay);
constexpr unsigned kTrace = kStart | kAttach | kServe;
constexpr unsigned kDiff = of(Occasion::Diff);
constexpr unsigned kAny = 511;

constexpr Relation kRelations[] = {
    {Key::Functions, kTrace | kCompare | kExplore | kReplay, Need::Nothing, Again::Joined},
    {Key::Breakpoints, kTrace | kCompare | kExplore, Need::Nothing, Again::Joined},
    {Key::Syscalls, kTrace | kCompare | kExplore | kReplay, Need::Audience, Again::Joined},
    {Key::Path, kTrace | kCompare | kReplay, Need::Audience, Again::Joined},
    {Key::Successful, kTrace | kCompare | kReplay, Need::Audience, Again::Last},
    {Key::Failed, kTrace | kCompare | kReplay, Need::Audience, Again::Last},
    {Key::StatusSet, kTrace | kCompare | kReplay, Need::Audience, Again::Last},
    {Key::Engine, kTrace | kCompare | kExplore, Need::Nothing, Again::Last},
    {Key::Gate, kStart | kServe | kCompare | kExplore, Need::Gate, Again::Last},
    {Key::Scope, kTrace | kExplore, Need::Nothing, Again::Last},
    {Key::Backend, kTrace | kCompare | kExplore | kReplay | kDiff, Need::Nothing, Again::Joined},
    {Key::Output, kTrace | kExplore | kReplay | kDiff, Need::Nothing, Again::Last},
    {Key::Append, kTrace | kReplay, Need::File, Again::Counted},
    {Key::Separately, kTrace | kReplay, Need::File, Again::Counted},
    {Key::Summary, kTrace | kCompare | kReplay, Need::Nothing, Again::Counted},
    {Key::SummaryToo, kTrace | kCompare | kReplay, Need::Nothing, Again::Counted},
    {Key::AllCalls, kTrace | kCompare | kReplay, Need::Calls, Again::Counted},
    {Key::StringSize, kTrace | kCompare | kReplay, Need::Lines, Again::Last},
    {Key::StackTrace, kTrace | kCompare | kReplay, Need::Stacks, Again::Counted},
    {Key::StackDepth, kTrace | kCompare, Need::Stacks, Again::Last},
    {Key::Frames, kTrace | kCompare, Need::Stacks, Again::Last},
    {Key::Color, kTrace | kReplay, Need::Text, Again::Last},
    {Key::Time, kTrace | kCompare | kReplay, Need::Text, Again::Counted},
    {Key::RelativeTime, kTrace | kCompare | kReplay, Need::Text, Again::Counted},
    {Key::Duration, kTrace | kCompare | kReplay, Need::Text, Again::Counted},
    {Key::Paths, kTrace | kCompare | kReplay, Need::Lines, Again::Counted},
    {Key::Quiet, kTrace | kReplay, Need::Nothing, Again::Counted},
    {Key::Signals, kTrace | kReplay, Need::Lines, Again::Last},
    {Key::User, kStart | kExplore, Need::Nothing, Again::Last},
    {Key::Every, kStart | kServe, Need::Nothing, Again::Joined},
    {Key::Rate, kStart | kServe, Need::Nothing, Again::Joined},
    {Key::First, kStart | kServe, Need::Nothing, Again::Joined},
    {Key::Inject, kTrace, Need::Nothing, Again::Joined},
    {Key::Deny, kTrace, Need::Nothing, Again::Joined},
    {Key::Fault, kTrace, Need::Nothing, Again::Joined},
    {Key::Explore, kExplore, Need::Nothing, Again::Last},
    {Key::Expect, kTrace | kReplay, Need::Nothing, Again::Joined},
    {Key::ExpectJunit, kTrace | kReplay, Need::Claims, Again::Last},
    {Key::Flight, kTrace, Need::Nothing, Again::Last},
    {Key::FlightOn, kTrace, Need::Flight, Again::Last},
    {Key::Record, kTrace, Need::Nothing, Again::Joined},
    {Key::Prepare, kStart | kServe, Need::Nothing, Again::Joined},
    {Key::Diff, kDiff, Need::Nothing, Again::Counted},
    {Key::Objects, kTrace, Need::Lines, Again::Counted},
    {Key::Compare, kCompare, Need::Nothing, Again::Last},
    {Key::CompareOutput, kCompare, Need::Nothing, Again::Joined},
    {Key::CompareLoad, kCompare, Need::Nothing, Again::Last},
    {Key::CompareReady, kCompare, Need::Nothing, Again::Last},
    {Key::CompareFigure, kCompare, Need::Nothing, Again::Last},
    {Key::CompareLimit, kCompare | kExplore, Need::Nothing, Again::Last},
    {Key::Replay, kReplay, Need::Nothing, Again::Last},
    {Key::Sysroot, kReplay | kDiff, Need::Nothing, Again::Last},
    {Key::Threshold, kDiff, Need::Nothing, Again::Last},
    {Key::Overflow, kTrace | kCompare, Need::InProcess, Again::Last},
    {Key::Patch, kTrace | kCompare, Need::InProcess, Again::Joined},
    {Key::Pid, kAttach, Need::Nothing, Again::Joined},
    {Key::Config, kTrace | kCompare | kExplore | kReplay, Need::Nothing, Again::Last},
    {Key::Follow, kTrace | kExplore, Need::Nothing, Again::Last},
    {Key::NoFollow, kTrace | kCompare | kExplore, Need::Nothing, Again::Counted},
    {Key::Control, kTrace, Need::Nothing, Again::Last},
    {Key::Connect, of(Occasion::Connect), Need::Nothing, Again::Last},
    {Key::Verbose, kAny, Need::Nothing, Again::Counted},
    {Key::Version, kAny, Need::Nothing, Again::Counted},
    {Key::Help, kAny, Need::Nothing, Again::Counted},
    {Key::ListFunctions, of(Occasion::List), Need::Nothing, Again::Last},
    {Key::ListSyscalls, of(Occasion::List), Need::Nothing, Again::Last},
    {Key::ListClasses, of(Occasion::List), Need::Nothing, Again::Counted},
    {Key::Preload, kStart | kServe | kExplore, Need::Nothing, Again::Joined},
};

// A key without a row does not compile: whoever adds an option says here how it goes with others.
consteval bool rows_are_keys() {
  if (std::size(kRelations) != kKeys) return false;
  for (std::size_t i = 0; i < kKeys; ++i) {
    if (kRelations[i].key != static_cast<Key>(i)) return false;
  }
  return true;
}
static_assert(rows_are_keys(), "one relation a key, in the order of enum Key");

using Weight = Exclusion::Weight;
constexpr std::string_view kOneStatus = "the last one holds; --status=SET names several";

constexpr Exclusion kExclusions[] = {
    {Key::Successful, Key::Failed, kOneStatus, Weight::Warned},
    {Key::Successful, Key::StatusSet, kOneStatus, Weight::Warned},
    {Key::Failed, Key::StatusSet, kOneStatus, Weight::Warned},
    {Key::Summary, Key::SummaryToo, "-c is a summary alone, -C a summary beside the trace",
     Weight::Refused},
    {Key::ListFunctions, Key::ListSyscalls, "one list is printed at a time", Weight::Refused},
    {Key::ListFunctions, Key::ListClasses, "one list is printed at a time", Weight::Refused},
    {Key::ListSyscalls, Key::ListClasses, "one list is printed at a time", Weight::Refused},
};

// ---- What there is

struct BackendKind {
  std::string_view name;
  std::array<Need, 5> shows;
};

// A backend of the user's own may show anything.
constexpr BackendKind kBackends[] = {
    {"text", {Need::Audience, Need::Lines, Need::Text, Need::Calls, Need::Stacks}},
    {"json", {Need::Audience, Need::Lines, Need::Calls, Need::Stacks}},
    {"summary", {Need::Audience, Need::Calls}},
    {"folded", {Need::Audience, Need::Stacks}},
    {"policy", {Need::Audience}},
    {"ledger", {Need::Audience, Need::Stacks}},
    {"sqlite", {Need::Audience, Need::Lines, Need::Calls, Need::Stacks}},
    {"perfetto", {Need::Audience, Need::Lines, Need::Calls}},
    {"speedscope", {Need::Audience, Need::Calls}},
    {"html", {Need::Audience, Need::Calls}},
    {"flight", {Need::Audience, Need::Lines, Need::Text, Need::Calls, Need::Stacks}},
    {"raw", {Need::Audience, Need::Lines, Need::Text, Need::Calls, Need::Stacks}},
    {"otlp", {Need::Audience, Need::Lines, Need::Calls, Need::Stacks}},
    {"lua", {Need::Audience, Need::Lines, Need::Calls, Need::Stacks}},
    {"none", {}},
};

bool shows(const std::string& spec, Need what) {
  // Its callers are looked for in the stack, where there is one.
  if (what == Need::Stacks && spec.starts_with("summary") && spec.find("by=caller") != spec.npos)
    return true;
  std::string_view name = std::string_view(spec).substr(0, spec.find(':'));
  if (name.ends_with(".lua")) name = "lua";
  for (const BackendKind& kind : kBackends) {
    if (kind.name == name)
      return std::find(kind.shows.begin(), kind.shows.end(), what) != kind.shows.end();
  }
  return true;
}

bool writes_files(const Options& options) {
  return !options.output.empty() ||
         std::any_of(options.backends.begin(), options.backends.end(), [](const std::string& spec) {
           return spec.find(":output=") != spec.npos || spec.find(",output=") != spec.npos;
         });
}

bool is_met(Need need, const Options& options) {
  switch (need) {
    case Need::Nothing:
      return true;
    case Need::File:
      return writes_files(options);
    case Need::Flight:
      return options.flight.asked;
    case Need::InProcess:
      return options.engine == EngineChoice::Inproc || options.engine == EngineChoice::Auto ||
             options.compare.asked;
    case Need::Claims:
      return !options.claims.empty();
    case Need::Gate:
      return options.scope != ScopeMode::Process && options.engine != EngineChoice::Bpf &&
             (selects_functions(options) || !options.user_preloads.empty());
    case Need::Audience:
      if (!options.claims.empty()) return true;
      [[fallthrough]];
    case Need::Stacks:
      // A back end that comes later, or wc-top.
      if (need == Need::Stacks && !options.control_path.empty()) return true;
      [[fallthrough]];
    default:
      return std::any_of(options.backends.begin(), options.backends.end(),
                         [&](const std::string& spec) { return shows(spec, need); });
  }
}

std::string_view words_for(Need need) {
  switch (need) {
    case Need::Lines:
      return "without a backend that shows single events: text, json, sqlite or one of your own";
    case Need::Text:
      return "without -b text: other backends have the times in a form of their own";
    case Need::Calls:
      return "without a backend that shows calls: text, json, summary, sqlite or one of your own";
    case Need::Stacks:
      return "without a backend that shows stacks: text, json, folded, ledger, sqlite or one of "
             "your own";
    case Need::Audience:
      return "with -b none, which reports nothing";
    case Need::File:
      return "without -o FILE";
    case Need::Flight:
      return "without --flight";
    case Need::InProcess:
      return "without -E inproc or -E auto";
    case Need::Gate:
      return "where no function is wrapped, or all system calls are reported";
    case Need::Claims:
      return "without --expect";
    case Need::Nothing:
      break;
  }
  return {};
}

bool has_backend(const Options& options, std::string_view name) {
  return std::any_of(options.backends.begin(), options.backends.end(),
                     [&](const std::string& spec) {
                       return std::string_view(spec).substr(0, spec.find(':')) == name;
                     });
}

// A policy that does not see all would deny what it has not seen, and what a ledger has not seen is
// missing in its sums.
Status check_whole_run(const Options& options) {
  const bool is_learnt = has_backend(options, "policy"),
             is_counted = has_backend(options, "ledger");
  if (!is_learnt && !is_counted) return Done{};
  const std::string_view would = is_learnt ? "-b policy would deny" : "-b ledger would not know";
  const std::string_view without = is_learnt ? "-b policy" : "-b ledger";
  if (!options.syscalls.empty() || !options.paths.empty() || options.statuses != kAllStatuses)
    return Error{fmt::format(
        "{} the system calls that -e, -P, -z, -Z and --status leave out; give them in a run "
        "without {}",
        would, without)};
  if (!options.samples.empty())
    return Error{fmt::format(
        "{} what is made in calls that --every, --rate and --first leave out; give them in a run "
        "without {}",
        would, without)};
  if (is_learnt && options.scope == ScopeMode::Main)
    return Error{
        "-b policy would deny what is done before main, where rules hold, too; leave out "
        "--scope=main"};
  return Done{};
}

// What is kept undecoded is one file of all processes, and of all that was seen.
Status check_raw(const Options& options) {
  const auto is_raw = [&](const std::string& spec) {
    const auto name = std::string_view(spec).substr(0, spec.find(':'));
    return name == "raw" || name == "flight";
  };
  const auto spec = std::find_if(options.backends.begin(), options.backends.end(), is_raw);
  if (spec == options.backends.end()) return Done{};
  const bool is_flight = *spec == "flight";
  if (std::count_if(options.backends.begin(), options.backends.end(), is_raw) > 1 &&
      options.flight.asked)
    return Error{"--flight keeps the last events, --record all: one of them is enough"};
  if (is_flight && !options.flight.asked)
    return Error{"-b flight is no backend of its own; --flight keeps the last events"};
  if (options.command == Command::Replay)
    return Error{"--replay with -b raw would write what is there already; copy the file"};
  if (options.separately)
    return Error{
        "--record, -b raw and --flight keep all processes in one file, so they go without -ff"};
  if (options.engine == EngineChoice::Bpf)
    return Error{"--record, -b raw and --flight cannot keep names of engine bpf; use another -E"};
  if (options.append && !is_flight)
    return Error{"--record and -b raw write a file that begins with a head, so they go without -A"};
  if (!is_flight && spec->find("output=") == std::string::npos && options.output.empty())
    return Error{"-b raw writes bytes, not text: give it a file, raw:output=FILE"};
  if (options.string_size > kMostRecordedString)
    return Error{fmt::format(
        "--record, -b raw and --flight keep at most {} bytes of a string: give a smaller -s",
        kMostRecordedString)};
  if (options.show_addresses)
    return Error{
        "--record, -b raw and --flight cannot keep the addresses of sockets; -y instead of -yy "
        "keeps paths"};
  return Done{};
}

Occasion occasion_of(const Options& options) {
  if (options.compare.asked) return Occasion::Compare;
  if (options.explore.asked) return Occasion::Explore;
  if (options.command == Command::Replay) return Occasion::Replay;
  if (options.command == Command::Diff) return Occasion::Diff;
  if (options.command == Command::Serve) return Occasion::Serve;
  if (!options.connect_path.empty()) return Occasion::Connect;
  if (!options.pids.empty()) return Occasion::Attach;
  switch (options.command) {
    case Command::ListFunctions:
    case Command::ListSyscalls:
    case Command::ListClasses:
      return Occasion::List;
    default:
      return Occasion::Start;
  }
}

std::string_view words_for(Occasion occasion) {
  switch (occasion) {
    case Occasion::Start:
      return "for a program that is started";
    case Occasion::Attach:
      return "with -p";
    case Occasion::Serve:
      return "with serve";
    case Occasion::Connect:
      return "with --connect: the tracer that serves there has options of its own";
    case Occasion::List:
      return "with a list";
    case Occasion::Compare:
      return "with --compare";
    case Occasion::Explore:
      return "with --explore";
    case Occasion::Diff:
      return "with --diff, which compares files";
    case Occasion::Replay:
      return "with --replay, which runs nothing";
  }
  return {};
}

// ---- The checks

class Check {
 public:
  Check(std::span<const Setting> file, std::span<const Setting> line, Options& options)
      : file_(file), line_(line), options_(options) {}

  Status run() {
    for (const Setting& setting : line_) {
      if (is_default(setting) && occasion_of(options_) == Occasion::Attach) continue;
      if (Status fits = check_occasion(setting, Weight::Refused); !fits) return fits;
    }
    if (Status fits = check_exclusions(); !fits) return fits;
    if (Status fits = check_whole_run(options_); !fits) return fits;
    if (Status fits = check_claims(options_); !fits) return fits;
    if (Status fits = check_raw(options_); !fits) return fits;
    if (const auto why = obstacle_to_inproc(options_);
        options_.engine == EngineChoice::Inproc && !why.empty())
      return Error{fmt::format("engine inproc: {}; use -E ptrace", why)};
    if (const auto why = obstacle_to_bpf(options_);
        options_.engine == EngineChoice::Bpf && !why.empty())
      return Error{fmt::format("engine bpf: {}", why)};
    for (const Setting& setting : line_) check_need(setting);
    for (const Setting& setting : file_) {
      if (!is_default(setting)) (void)check_occasion(setting, Weight::Warned);
      check_need(setting);
    }
    check_repetitions();
    return Done{};
  }

 private:
  static const Relation& relation(Key key) { return kRelations[static_cast<std::size_t>(key)]; }

  Status check_occasion(const Setting& setting, Weight weight) {
    const Occasion occasion = occasion_of(options_);
    if (goes_with(setting.key, occasion)) return Done{};
    const std::string what = fmt::format("{} has no effect {}", setting.where, words_for(occasion));
    // What cannot be done there compare.cpp and explore.cpp have refused, with the reason.
    const bool is_refused_before = occasion == Occasion::Compare || occasion == Occasion::Explore;
    if (weight == Weight::Refused && !is_refused_before) return Error{what};
    warn(what);
    return Done{};
  }

  void check_need(const Setting& setting) {
    if (is_default(setting)) return;
    const Need need = relation(setting.key).need;
    if (!is_met(need, options_)) {
      warn(fmt::format("{} has no effect {}", setting.where, words_for(need)));
    } else if (setting.key == Key::Quiet && hides_lines_only() && !is_met(Need::Lines, options_)) {
      warn(fmt::format("{} has no effect {}", setting.where, words_for(Need::Lines)));
    }
  }

  // Of processes that are attached to, -q hides a message that is none of a backend's.
  [[nodiscard]] bool hides_lines_only() const { return options_.pids.empty(); }

  Status check_exclusions() {
    for (const Exclusion& one : kExclusions) {
      const Setting* first = find(one.first);
      const Setting* second = find(one.second);
      if (first == nullptr || second == nullptr) continue;
      const std::string what =
          fmt::format("{} and {} exclude each other: {}", first->where, second->where, one.why);
      if (one.weight == Weight::Refused) return Error{what};
      warn(what);
    }
    return Done{};
  }

  void check_repetitions() {
    std::array<const Setting*, kKeys> seen{};
    for (const Setting& setting : line_) {
      const Setting*& earlier = seen[static_cast<std::size_t>(setting.key)];
      const bool is_lost = earlier != nullptr && relation(setting.key).again == Again::Last &&
                           earlier->value != setting.value;
      if (is_lost)
        warn(fmt::format("{} given twice: {} holds", setting.where, in_quotes(setting.value)));
      earlier = &setting;
    }
  }

  [[nodiscard]] const Setting* find(Key key) const {
    const auto found =
        std::find_if(line_.begin(), line_.end(), [&](const Setting& s) { return s.key == key; });
    return found == line_.end() ? nullptr : &*found;
  }

  void warn(std::string text) {
    auto& warnings = options_.warnings;
    if (std::find(warnings.begin(), warnings.end(), text) == warnings.end())
      warnings.push_back(std::move(text));
  }

  std::span<const Setting> file_, line_;
  Options& options_;
};

}  // namespace

bool is_default(const Setting& setting) {
  const auto rows = ini_rows();
  return std::any_of(rows.begin(), rows.end(), [&](const IniRow& row) {
    return row.key == setting.key && row.fallback == setting.value;
  });
}

std::vector<std::string_view> judged_backends() {
  std::vector<std::string_view> names;
  for (const BackendKind& kind : kBackends) names.push_back(kind.name);
  return names;
}

std::span<const Relation> relations() { return kRelations; }
bool goes_with(Key key, Occasion occasion) {
  return (kRelations[static_cast<std::size_t>(key)].occasions & of(occasion)) != 0;
}

std::span<const Exclusion> exclusions() { return kExclusions; }

std::string_view obstacle_to_inproc(const Options& options) {
  if (!options.pids.empty()) return "a running process can be given no library";
  if (options.scope == ScopeMode::Process) return "--scope=process needs a stop at every syscall";
  if (!options.breakpoints.empty()) return "breakpoints (-B) need the stops of engine ptrace";
  if (options.gate == GateChoice::Socket || options.gate == GateChoice::Trap)
    return "what is not patched needs gate dispatch";
  if (options.show_paths) return "-y needs a stop at every syscall";
  if (!options.paths.empty()) return "-P needs a stop at every syscall";
  if (options.explore.asked) return "the rules of --explore need stops";
  if (!selects_functions(options)) return "nothing is wrapped";
  return {};
}

std::string_view obstacle_to_bpf(const Options& options) {
  constexpr uint32_t kLargestPiece = 4095;
  if (options.command == Command::Serve)
    return "serve waits for programs that ask for it; start them with -E bpf each";
  if (!options.control_path.empty())
    return "functions and back ends cannot be switched by --control; use -E ptrace";
  if (options.compare.asked) return "--compare runs the other engines only; leave out -E bpf";
  if (options.explore.asked || !options.rules.empty())
    return "it changes nothing: rules (--inject, --fault, --deny, --explore) need -E ptrace";
  if (options.scope == ScopeMode::Process)
    return "it sees what is done inside of calls; --scope=process needs -E ptrace";
  if (options.scope == ScopeMode::Main)
    return "--scope=main needs -E ptrace; -B main reports what is done in main";
  if (options.show_paths || !options.paths.empty())
    return "-y and -P ask what a descriptor is while the program stands still; use -E ptrace";
  if (!options.samples.empty())
    return "--every, --rate and --first are not done in the kernel yet; use -E ptrace";
  if (options.objects) return "--objects needs -E ptrace";
  if (!options.user_preloads.empty())
    return "it loads nothing into the program ([LD_PRELOAD]); use -E ptrace";
  if (options.string_size > kLargestPiece)
    return "-s: at most 4095 bytes of a string are copied in the kernel; use -E ptrace for more";
  if (options.breakpoints.empty() && !selects_functions(options))
    return "no function is selected (-F, -B)";
  return {};
}

Status check_relations(std::span<const Setting> file, std::span<const Setting> line,
                       Options& options) {
  return Check(file, line, options).run();
}

}  // namespace wc::config

// One setting's value, checked and written into Options; the same for both sources.
#include "config/apply.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"
#include "config/settings.h"
#include "config/words.h"

namespace wc::config {
namespace {

template <typename T>
struct Choice {
  std::string_view name;
  T value;
  std::string_view instead;  // not empty: refused, and this is what to do instead
};

constexpr Choice<EngineChoice> kEngines[] = {{"auto", EngineChoice::Auto, ""},
                                             {"ptrace", EngineChoice::Ptrace, ""},
                                             {"inproc", EngineChoice::Inproc, ""},
                                             {"bpf", EngineChoice::Bpf, ""}};
constexpr Choice<GateChoice> kGates[] = {{"auto", GateChoice::Auto, ""},
                                         {"socket", GateChoice::Socket, ""},
                                         {"trap", GateChoice::Trap, ""},
                                         {"dispatch", GateChoice::Dispatch, ""}};
constexpr Choice<ScopeMode> kScopes[] = {{"functions", ScopeMode::Functions, ""},
                                         {"main", ScopeMode::Main, ""},
                                         {"process", ScopeMode::Process, ""}};
constexpr Choice<Overflow> kOverflows[] = {{"wait", Overflow::Wait, ""},
                                           {"drop", Overflow::Drop, ""}};
constexpr Choice<ColorChoice> kColors[] = {{"auto", ColorChoice::Auto, ""},
                                           {"always", ColorChoice::Always, ""},
                                           {"never", ColorChoice::Never, ""}};
constexpr Choice<StackFunctions> kFrames[] = {{"native", StackFunctions::Native, ""},
                                              {"python", StackFunctions::Python, ""},
                                              {"auto", StackFunctions::Auto, ""}};
constexpr Choice<bool> kSwitch[] = {{"yes", true, ""},    {"no", false, ""}, {"true", true, ""},
                                    {"false", false, ""}, {"on", true, ""},  {"off", false, ""},
                                    {"1", true, ""},      {"0", false, ""}};

Error not_available(const std::string& what, std::string_view instead) {
  return Error{fmt::format("{}: not available in this version; {}", what, instead), ENOTSUP};
}

template <typename T>
Status choose(const Setting& setting, std::span<const Choice<T>> choices, T& out) {
  for (const Choice<T>& choice : choices) {
    if (choice.name != setting.value) continue;
    if (!choice.instead.empty()) {
      return not_available(fmt::format("{}: {}", setting.where, choice.name), choice.instead);
    }
    out = choice.value;
    return Done{};
  }
  std::vector<std::string_view> offered;
  for (const Choice<T>& choice : choices) {
    if (choice.instead.empty()) offered.push_back(choice.name);
  }
  std::string hint(foreign_value_hint(setting.key, setting.value));
  hint = hint.empty() ? suggestion(setting.value, offered) : "; " + hint;
  return Error{
      fmt::format("{}: unknown value {}{}", setting.where, in_quotes(setting.value), hint)};
}

template <typename T>
Status choose_number(const Setting& setting, unsigned least, unsigned most, T& out) {
  const auto number = whole_number<unsigned>(setting.value);
  if (!number || *number < least || *number > most) {
    return Error{fmt::format("{}: bad value {}; valid: a number from {} to {}", setting.where,
                             in_quotes(setting.value), least, most)};
  }
  out = static_cast<T>(*number);
  return Done{};
}

// A list that is given again grows: both were asked for.
Status extend(const Setting& setting, std::string_view addition, std::string& list) {
  if (split_words(addition, ", \t\r\n").empty())
    return Error{setting.where + ": the list is empty"};
  if (!list.empty()) list += ',';
  list += addition;
  return Done{};
}

Status add_functions(const Setting& setting, Options& options) {
  if (!options.functions_given) options.functions.clear();
  options.functions_given = true;
  return extend(setting, setting.value, options.functions);
}

// In a file, what is wrong is found by its line; on the command line by the rule itself.
Status add_rule(RuleText::Kind kind, const Setting& setting, std::string_view text,
                Options& options) {
  const bool is_of_file = !setting.where.starts_with("option ");
  options.rules.push_back({kind, std::string(trimmed(text)), is_of_file ? setting.where : ""});
  return Done{};
}

Status add_sample(SampleText::Kind kind, std::string_view text, Options& options) {
  options.samples.push_back({kind, std::string(trimmed(text))});
  return Done{};
}

Status add_syscalls(const Setting& setting, Options& options) {
  constexpr std::string_view kTrace = "trace=", kInject = "inject=", kFault = "fault=";
  const std::string_view list = trimmed(setting.value);
  if (list.starts_with(kInject))
    return add_rule(RuleText::Kind::Inject, setting, list.substr(kInject.size()), options);
  if (list.starts_with(kFault))
    return add_rule(RuleText::Kind::Fault, setting, list.substr(kFault.size()), options);
  const std::size_t equals = list.find('=');
  if (equals != std::string_view::npos && !list.starts_with(kTrace)) {
    return not_available(
        fmt::format("{}: {}", setting.where, in_quotes(list.substr(0, equals + 1))),
        "trace=, inject=, fault= and a list of system calls are");
  }
  // The filter's language has the prefix at the start only.
  const bool first = options.syscalls.empty() || !list.starts_with(kTrace);
  return extend(setting, first ? list : list.substr(kTrace.size()), options.syscalls);
}

Status add_patched(const Setting& setting, Options& options) {
  std::string_view left = setting.value;
  while (!left.empty()) {
    const std::size_t comma = std::min(left.find(','), left.size());
    const std::string_view glob = trimmed(left.substr(0, comma));
    left.remove_prefix(std::min(comma + 1, left.size()));
    if (glob.empty() || glob.find('/') != std::string_view::npos)
      return Error{
          fmt::format("{}: {} is no file name of a library; valid: names and globs, as "
                      "libssl.so.3,libuv*",
                      setting.where, in_quotes(glob))};
    options.patched_libraries.emplace_back(glob);
  }
  return Done{};
}

Status add_backend(const Setting& setting, Options& options) {
  const std::string_view spec = trimmed(setting.value);
  if (const std::string_view hint = foreign_value_hint(Key::Backend, spec); !hint.empty())
    return Error{fmt::format("{}: no backend is named {}; {}", setting.where, spec, hint)};
  if (spec.empty() || spec.front() == ':') {
    return Error{
        fmt::format("{}: no backend is named in {}; valid: NAME, ./FILE.so or ./FILE.lua, with "
                    ":key=value,...",
                    setting.where, in_quotes(setting.value))};
  }
  options.backends.emplace_back(spec);
  return Done{};
}

Status add_record(const Setting& setting, Options& options) {
  if (setting.value.find(',') != std::string::npos)
    return Error{fmt::format("{}: {}: a comma would end the name; rename the file afterwards",
                             setting.where, in_quotes(setting.value))};
  options.backends.push_back("raw:output=" + setting.value);
  return Done{};
}

Status add_summary(Options& options) {
  const auto is_summary = [](const std::string& spec) {
    return spec == "summary" || spec.starts_with("summary:");
  };
  if (std::none_of(options.backends.begin(), options.backends.end(), is_summary)) {
    options.backends.emplace_back("summary");
  }
  return Done{};
}

Status set_output(const Setting& setting, Options& options) {
  if (setting.value.starts_with('|') || setting.value.starts_with('!')) {
    return not_available(fmt::format("{}: output to a command", setting.where),
                         "use -o >(COMMAND) of your shell, or ./ before a file of that name");
  }
  options.output = setting.value;
  return Done{};
}

Status set_socket_path(const Setting& setting, std::string& out) {
  constexpr std::size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
  if (setting.value.size() > kMost) {
    return Error{fmt::format("{}: a path of {} bytes; valid: at most {} (unix(7))", setting.where,
                             setting.value.size(), kMost)};
  }
  out = setting.value;
  return Done{};
}

Status set_stack_depth(const Setting& setting, Options& options) {
  options.stack_trace = true;
  return choose_number(setting, 1, kMaxShownFrames, options.stack_depth);
}

Status set_frames(const Setting& setting, Options& options) {
  options.stack_trace = true;
  return choose<StackFunctions>(setting, kFrames, options.frames);
}

Status add_path(const Setting& setting, Options& options) {
  options.paths.push_back(setting.value);
  return Done{};
}

Status add_preloads(const Setting& setting, Options& options) {
  const Result<std::vector<std::string>> libraries = resolve_preloads(setting);
  if (!libraries) return libraries.error();
  options.user_preloads.insert(options.user_preloads.end(), libraries->begin(), libraries->end());
  return Done{};
}

Status set_list(const Setting& setting, Options& options) {
  options.command = setting.key == Key::ListFunctions  ? Command::ListFunctions
                    : setting.key == Key::ListSyscalls ? Command::ListSyscalls
                                                       : Command::ListClasses;
  options.list = setting.value;
  return Done{};
}

Status set_flag(bool& flag, bool value) {
  flag = value;
  return Done{};
}

// In the INI file a switch has a value, on the command line it stands alone.
Status set_switch(const Setting& setting, bool& flag) {
  return setting.value.empty() ? set_flag(flag, true) : choose<bool>(setting, kSwitch, flag);
}

Status set_verbose(const Setting& setting, int& verbose) {
  constexpr unsigned kMost = 9;
  if (!setting.value.empty()) return choose_number(setting, 0, kMost, verbose);
  ++verbose;
  return Done{};
}

// What is traced, and what of it is reported. Nothing: the key is none of these.
std::optional<Status> apply_what(const Setting& setting, Options& options) {
  switch (setting.key) {
    case Key::Breakpoints:
      return extend(setting, setting.value, options.breakpoints);
    case Key::Pid:
      return add_pids(setting, options);
    case Key::Functions:
      return add_functions(setting, options);
    case Key::Syscalls:
      return add_syscalls(setting, options);
    case Key::Inject:
      return add_rule(RuleText::Kind::Inject, setting, setting.value, options);
    case Key::Fault:
      return add_rule(RuleText::Kind::Fault, setting, setting.value, options);
    case Key::Deny:
      return add_rule(RuleText::Kind::Deny, setting, setting.value, options);
    case Key::Every:
      return add_sample(SampleText::Kind::Every, setting.value, options);
    case Key::Rate:
      return add_sample(SampleText::Kind::Rate, setting.value, options);
    case Key::First:
      return add_sample(SampleText::Kind::First, setting.value, options);
    case Key::Expect:
      return add_claims(setting, options);
    case Key::ExpectJunit:
      options.junit_path = setting.value;
      return Done{};
    case Key::Path:
      return add_path(setting, options);
    case Key::Successful:
    case Key::Failed:
    case Key::StatusSet:
      return set_statuses(setting, options);
    case Key::Signals:
      return set_signals(setting, options);
    case Key::Quiet:
      return set_quiet(setting, options);
    case Key::Objects:
      return set_switch(setting, options.objects);
    case Key::AllCalls:
      return set_switch(setting, options.all_calls);
    case Key::Follow:
      return set_switch(setting, options.follow);
    case Key::NoFollow:
      return set_flag(options.follow, false);
    case Key::User:
      options.user = setting.value;
      return Done{};
    case Key::Preload:
      return add_preloads(setting, options);
    default:
      return std::nullopt;
  }
}

// Where it goes, and how it looks. Nothing: the key is none of these.
std::optional<Status> apply_look(const Setting& setting, Options& options) {
  switch (setting.key) {
    case Key::Backend:
      return add_backend(setting, options);
    case Key::Record:
      return add_record(setting, options);
    case Key::Flight:
    case Key::FlightOn:
      return apply_flight(setting, options);
    case Key::Summary:
    case Key::SummaryToo:
      return add_summary(options);
    case Key::Output:
      return set_output(setting, options);
    case Key::Append:
      return set_switch(setting, options.append);
    case Key::Separately:
      return set_switch(setting, options.separately);
    case Key::StringSize:
      return choose_number(setting, 0, kMaxStringSize, options.string_size);
    case Key::StackTrace:
      return set_switch(setting, options.stack_trace);
    case Key::StackDepth:
      return set_stack_depth(setting, options);
    case Key::Frames:
      return set_frames(setting, options);
    case Key::Color:
      return choose<ColorChoice>(setting, kColors, options.color);
    case Key::Time:
      return set_clock_format(setting, options);
    case Key::RelativeTime:
      return set_relative_time(setting, options);
    case Key::Duration:
      return set_microseconds(setting, options.show_duration);
    case Key::Paths:
      return set_descriptors(setting, options);
    case Key::Verbose:
      return set_verbose(setting, options.verbose);
    default:
      return std::nullopt;
  }
}

// By what means, and the commands. Nothing: the key is none of these.
std::optional<Status> apply_way(const Setting& setting, Options& options) {
  switch (setting.key) {
    case Key::Engine:
      return choose<EngineChoice>(setting, kEngines, options.engine);
    case Key::Gate:
      return choose<GateChoice>(setting, kGates, options.gate);
    case Key::Scope:
      return choose<ScopeMode>(setting, kScopes, options.scope);
    case Key::Patch:
      return add_patched(setting, options);
    case Key::Overflow:
      return choose<Overflow>(setting, kOverflows, options.overflow);
    case Key::Replay:
      options.replay.file = setting.value;
      return Done{};
    case Key::Sysroot:
      options.replay.sysroot = setting.value;
      return Done{};
    case Key::Threshold:
      options.threshold = setting.value;
      return Done{};
    case Key::Diff:
      options.command = Command::Diff;
      return Done{};
    case Key::Prepare:
      return extend(setting, setting.value, options.prepared);
    case Key::Control:
      return set_socket_path(setting, options.control_path);
    case Key::Connect:
      return set_socket_path(setting, options.connect_path);
    case Key::Compare:
    case Key::CompareOutput:
    case Key::CompareLoad:
    case Key::CompareReady:
    case Key::CompareFigure:
    case Key::CompareLimit:
      return apply_compare(setting, options.compare);
    case Key::Explore:
      return apply_explore(setting, options.explore);
    case Key::ListFunctions:
    case Key::ListSyscalls:
    case Key::ListClasses:
      return set_list(setting, options);
    case Key::Help:
    case Key::Version:
    case Key::Config:
      return Done{};  // parse_options() looks at these first
    default:
      return std::nullopt;
  }
}

}  // namespace

Status apply(const Setting& setting, Options& options) {
  if (const auto instead = refusal(setting.key)) return not_available(setting.where, *instead);
  for (const auto& part : {apply_what, apply_look, apply_way})
    if (auto applied = part(setting, options)) return *applied;
  return Error{setting.where + ": not known here"};
}

}  // namespace wc::config

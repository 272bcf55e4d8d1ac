#include "config/tables.h"

#include <fmt/format.h>

#include <algorithm>

namespace wc::config {
namespace {

constexpr OptionRow kOptions[] = {
    {Key::Functions, 'F', "functions", Argument::Required},
    {Key::Breakpoints, 'B', "breakpoints", Argument::Required},
    {Key::Syscalls, 'e', "syscalls", Argument::Required},
    {Key::Engine, 'E', "engine", Argument::Required},
    {Key::Gate, 'g', "gate", Argument::Required},
    {Key::Scope, 0, "scope", Argument::Required},
    {Key::Backend, 'b', "backend", Argument::Required},
    {Key::Output, 'o', "output", Argument::Required},
    {Key::Summary, 'c', "summary", Argument::None},
    {Key::AllCalls, 'a', "all-calls", Argument::None},
    {Key::StringSize, 's', "string-size", Argument::Required},
    {Key::StackTrace, 'k', "stack-trace", Argument::None},
    {Key::StackDepth, 0, "stack-depth", Argument::Required},
    {Key::Frames, 0, "frames", Argument::Required},
    {Key::Color, 0, "color", Argument::Required},
    {Key::Time, 't', "", Argument::None},
    {Key::RelativeTime, 'r', "", Argument::None},
    {Key::Duration, 'T', "", Argument::None},
    {Key::Paths, 'y', "", Argument::None},
    {Key::Every, 0, "every", Argument::Required},
    {Key::Rate, 0, "rate", Argument::Required},
    {Key::First, 0, "first", Argument::Required},
    {Key::Inject, 0, "inject", Argument::Required},
    {Key::Deny, 0, "deny", Argument::Required},
    {Key::Objects, 0, "objects", Argument::None},
    {Key::Compare, 0, "compare", Argument::Attached},
    {Key::CompareOutput, 0, "compare-output", Argument::Required},
    {Key::CompareLoad, 0, "compare-load", Argument::Required},
    {Key::CompareReady, 0, "compare-ready", Argument::Required},
    {Key::CompareFigure, 0, "compare-figure", Argument::Required},
    {Key::CompareLimit, 0, "compare-limit", Argument::Required},
    {Key::Replay, 0, "replay", Argument::Required},
    {Key::Overflow, 0, "overflow", Argument::Required},
    {Key::Patch, 0, "patch", Argument::Required},
    {Key::Pid, 'p', "", Argument::Required},
    {Key::Config, 0, "config", Argument::Required},
    {Key::NoFollow, 0, "no-follow", Argument::None},
    {Key::Control, 0, "control", Argument::Required},
    {Key::Connect, 0, "connect", Argument::Required},
    {Key::Verbose, 'v', "", Argument::None},
    {Key::Version, 'V', "version", Argument::None},
    {Key::Help, 'h', "help", Argument::None},
    {Key::ListFunctions, 0, "list-functions", Argument::NextWord},
    {Key::ListSyscalls, 0, "list-syscalls", Argument::NextWord},
};

constexpr IniRow kIniKeys[] = {
    {Key::Engine, Times::Once, "options", "engine"},
    {Key::Gate, Times::Once, "options", "gate"},
    {Key::Patch, Times::Many, "options", "patch"},
    {Key::Overflow, Times::Once, "options", "overflow"},
    {Key::Scope, Times::Once, "options", "scope"},
    {Key::Output, Times::Once, "options", "output"},
    {Key::StringSize, Times::Once, "options", "string-size"},
    {Key::AllCalls, Times::Once, "options", "all-calls"},
    {Key::Objects, Times::Once, "options", "objects"},
    {Key::StackTrace, Times::Once, "options", "stack-trace"},
    {Key::StackDepth, Times::Once, "options", "stack-depth"},
    {Key::Frames, Times::Once, "options", "frames"},
    {Key::Color, Times::Once, "options", "color"},
    {Key::Follow, Times::Once, "options", "follow"},
    {Key::Verbose, Times::Once, "options", "verbose"},
    {Key::Functions, Times::Once, "functions", "wrap"},
    {Key::Syscalls, Times::Once, "syscalls", "trace"},
    {Key::Backend, Times::Many, "backend", "use"},
    {Key::Preload, Times::Once, "LD_PRELOAD", "LD_PRELOAD"},
    {Key::Breakpoints, Times::Once, "breakpoint", "function"},
    {Key::Every, Times::Once, "sampling", "every"},
    {Key::Every, Times::Once, "sampling", "every.*"},
    {Key::Inject, Times::Many, "policy", "inject"},
};

struct Refusal {
  Key key;
  std::string_view instead;
};

constexpr std::string_view kNoSampling = "every call is reported; select fewer functions with -F";
constexpr std::string_view kNoPolicy =
    "system calls are only observed; strace -e inject= alters those of a whole process";

constexpr Refusal kRefusals[] = {
    {Key::Every, kNoSampling},
    {Key::Rate, kNoSampling},
    {Key::First, kNoSampling},
    {Key::Inject, kNoPolicy},
    {Key::Deny, kNoPolicy},
    {Key::Replay, "events cannot be kept for later; choose the backend before the run with -b"},
};

struct Foreign {
  std::string_view spelled;
  std::string_view hint;
};

// Options that hands used to strace, ltrace and perf will type.
constexpr Foreign kForeign[] = {
    {"-f", "child processes are followed by default, --no-follow stops that"},
    {"--follow-forks", "child processes are followed by default, --no-follow stops that"},
    {"-C", "a summary beside the trace is -b text -c"},
    {"--trace", "system calls are selected with -e/--syscalls"},
    {"-S", "system calls are reported by default"},
    {"-l", "functions of one library are selected with -F '*@LIBRARY'"},
    {"--attach", "-p PID traces a running process"},
};

}  // namespace

std::span<const OptionRow> option_rows() { return kOptions; }
std::span<const IniRow> ini_rows() { return kIniKeys; }

const OptionRow* find_option(char letter) {
  const auto* row = std::find_if(std::begin(kOptions), std::end(kOptions),
                                 [&](const OptionRow& r) { return r.letter == letter; });
  return letter == 0 || row == std::end(kOptions) ? nullptr : row;
}

const OptionRow* find_option(std::string_view name) {
  const auto* row = std::find_if(std::begin(kOptions), std::end(kOptions),
                                 [&](const OptionRow& r) { return r.name == name; });
  return name.empty() || row == std::end(kOptions) ? nullptr : row;
}

std::string spelling(const OptionRow& row) {
  if (row.letter == 0) return fmt::format("--{}", row.name);
  if (row.name.empty()) return fmt::format("-{}", row.letter);
  return fmt::format("-{}/--{}", row.letter, row.name);
}

std::optional<std::string_view> refusal(Key key) {
  for (const Refusal& row : kRefusals) {
    if (row.key == key) return row.instead;
  }
  return std::nullopt;
}

std::string_view foreign_option_hint(std::string_view spelled) {
  for (const Foreign& row : kForeign) {
    if (row.spelled == spelled) return row.hint;
  }
  return {};
}

}  // namespace wc::config

#include "config/tables.h"

#include <fmt/format.h>

#include <algorithm>

namespace wc::config {
namespace {

constexpr OptionRow kOptions[] = {
    {Key::Functions, 'F', "functions", Argument::Required},
    {Key::Breakpoints, 'B', "breakpoints", Argument::Required},
    {Key::Syscalls, 'e', "syscalls", Argument::Required},
    {Key::Path, 'P', "path", Argument::Required},
    {Key::Successful, 'z', "successful-only", Argument::None},
    {Key::Failed, 'Z', "failed-only", Argument::None},
    {Key::StatusSet, 0, "status", Argument::Required},
    {Key::Engine, 'E', "engine", Argument::Required},
    {Key::Gate, 'g', "gate", Argument::Required},
    {Key::Scope, 0, "scope", Argument::Required},
    {Key::Backend, 'b', "backend", Argument::Required},
    {Key::Output, 'o', "output", Argument::Required},
    {Key::Append, 'A', "output-append-mode", Argument::None},
    {Key::Separately, 0, "output-separately", Argument::None},
    {Key::Summary, 'c', "summary", Argument::None},
    {Key::SummaryToo, 'C', "", Argument::None},
    {Key::AllCalls, 'a', "all-calls", Argument::None},
    {Key::StringSize, 's', "string-size", Argument::Required},
    {Key::StackTrace, 'k', "stack-trace", Argument::None},
    {Key::StackDepth, 0, "stack-depth", Argument::Required},
    {Key::Frames, 0, "frames", Argument::Required},
    {Key::Color, 0, "color", Argument::Required},
    {Key::Time, 't', "absolute-timestamps", Argument::Attached},
    {Key::RelativeTime, 'r', "relative-timestamps", Argument::Attached},
    {Key::Duration, 'T', "syscall-times", Argument::Attached},
    {Key::Paths, 'y', "decode-fds", Argument::Attached},
    {Key::Quiet, 'q', "quiet", Argument::Attached},
    {Key::Signals, 0, "signals", Argument::Required},
    {Key::User, 'u', "user", Argument::Required},
    {Key::Every, 0, "every", Argument::Required},
    {Key::Rate, 0, "rate", Argument::Required},
    {Key::First, 0, "first", Argument::Required},
    {Key::Inject, 0, "inject", Argument::Required},
    {Key::Deny, 0, "deny", Argument::Required},
    {Key::Fault, 0, "fault", Argument::Required},
    {Key::Explore, 0, "explore", Argument::Attached},
    {Key::Expect, 0, "expect", Argument::Required},
    {Key::ExpectJunit, 0, "expect-junit", Argument::Required},
    {Key::Flight, 0, "flight", Argument::Attached},
    {Key::FlightOn, 0, "flight-on", Argument::Required},
    {Key::Record, 0, "record", Argument::Required},
    {Key::Prepare, 0, "prepare", Argument::Required},
    {Key::Diff, 0, "diff", Argument::None},
    {Key::Objects, 0, "objects", Argument::None},
    {Key::Compare, 0, "compare", Argument::Attached},
    {Key::CompareOutput, 0, "compare-output", Argument::Required},
    {Key::CompareLoad, 0, "compare-load", Argument::Required},
    {Key::CompareReady, 0, "compare-ready", Argument::Required},
    {Key::CompareFigure, 0, "compare-figure", Argument::Required},
    {Key::CompareLimit, 0, "compare-limit", Argument::Required},
    {Key::Replay, 0, "replay", Argument::Required},
    {Key::Sysroot, 0, "sysroot", Argument::Required},
    {Key::Threshold, 0, "threshold", Argument::Required},
    {Key::Overflow, 0, "overflow", Argument::Required},
    {Key::Patch, 0, "patch", Argument::Required},
    {Key::Pid, 'p', "attach", Argument::Required},
    {Key::Config, 0, "config", Argument::Required},
    {Key::NoFollow, 0, "no-follow", Argument::None},
    {Key::Control, 0, "control", Argument::Required},
    {Key::Connect, 0, "connect", Argument::Required},
    {Key::Verbose, 'v', "", Argument::None},
    {Key::Version, 'V', "version", Argument::None},
    {Key::Help, 'h', "help", Argument::None},
    {Key::ListFunctions, 0, "list-functions", Argument::NextWord},
    {Key::ListSyscalls, 0, "list-syscalls", Argument::NextWord},
    {Key::ListClasses, 0, "list-classes", Argument::None},
};

// strace(1), as of 6.1.
constexpr Synonym kSynonyms[] = {
    {"trace", Key::Syscalls},
    {"trace-path", Key::Path},
    {"signal", Key::Signals},
    {"silence", Key::Quiet},
    {"silent", Key::Quiet},
    {"string-limit", Key::StringSize},
    {"stack-traces", Key::StackTrace},
    {"summary-only", Key::Summary},
    {"timestamps", Key::Time},
};

struct Refusal {
  Key key;
  std::string_view instead;
};

constexpr Refusal kRefusals[] = {};

}  // namespace

std::span<const OptionRow> option_rows() { return kOptions; }
std::span<const Synonym> synonyms() { return kSynonyms; }

const OptionRow* find_option(char letter) {
  const auto* row = std::find_if(std::begin(kOptions), std::end(kOptions),
                                 [&](const OptionRow& r) { return r.letter == letter; });
  return letter == 0 || row == std::end(kOptions) ? nullptr : row;
}

const OptionRow* find_option(std::string_view name) {
  if (name.empty()) return nullptr;
  for (const OptionRow& row : kOptions) {
    if (row.name == name) return &row;
  }
  for (const Synonym& synonym : kSynonyms) {
    if (synonym.name == name) return find_option(synonym.key);
  }
  return nullptr;
}

const OptionRow* find_option(Key key) {
  const auto* row = std::find_if(std::begin(kOptions), std::end(kOptions),
                                 [&](const OptionRow& r) { return r.key == key; });
  return row == std::end(kOptions) ? nullptr : row;
}

std::string spelling(const OptionRow& row) {
  if (row.key == Key::Separately) return fmt::format("-ff/--{}", row.name);
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

}  // namespace wc::config

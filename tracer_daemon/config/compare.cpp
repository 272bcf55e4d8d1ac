// --compare and what goes with it: values, what excludes what, and the options handed on to the
// runs that are compared.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "config/relations.h"
#include "config/settings.h"
#include "config/words.h"

namespace wc::config {
namespace {

constexpr unsigned kMaxRuns = 1000;
constexpr std::string_view kOutputKinds[] = {".json", ".svg", ".html"};

constexpr Key kCompareKeys[] = {Key::Compare,      Key::CompareOutput, Key::CompareLoad,
                                Key::CompareReady, Key::CompareFigure, Key::CompareLimit};

// What makes no sense beside it. Settings of the INI file are overridden where they can be.
constexpr Excluded kExcludedByCompare[] = {
    {Key::Output, "the traces of compared runs are thrown away; --compare-output keeps figures"},
    {Key::Scope, "it has rows for --scope=process anyway, and the rest is scoped"},
    {Key::Connect, "it starts a tracer of its own for each run"},
    {Key::Control, "it starts a tracer of its own for each run"},
    {Key::Pid, "it starts the program itself, many times"},
    {Key::Replay, "it runs programs, and a recorded one does not run"},
    {Key::Inject, "the program must do the same in every run"},
    {Key::Deny, "the program must do the same in every run"},
    {Key::Explore, "one measures what tracing costs, the other makes system calls fail"},
    {Key::Objects, "system calls are what is compared"},
    {Key::Append, "the traces of compared runs are thrown away; --compare-output keeps figures"},
    {Key::Separately,
     "the traces of compared runs are thrown away; --compare-output keeps figures"},
    {Key::User, "it runs the program as it is run itself; start it as that user"},
};

bool is_compare_key(Key key) {
  return std::find(std::begin(kCompareKeys), std::end(kCompareKeys), key) != std::end(kCompareKeys);
}

Status set_runs(const Setting& setting, CompareOptions& compare) {
  compare.asked = true;
  const std::string& text = setting.value;
  if (text.empty()) return Done{};
  const auto runs = whole_number<unsigned>(text);
  if (!runs || *runs < 1 || *runs > kMaxRuns) {
    return Error{fmt::format("{}: bad value {}; valid: a number of runs from 1 to {}",
                             setting.where, in_quotes(text), kMaxRuns)};
  }
  compare.runs = static_cast<int>(*runs);
  return Done{};
}

Status add_output(const Setting& setting, CompareOptions& compare) {
  const auto fits = [&](std::string_view kind) { return setting.value.ends_with(kind); };
  if (std::none_of(std::begin(kOutputKinds), std::end(kOutputKinds), fits)) {
    return Error{
        fmt::format("{}: what is to be written to {}? valid: a name ending in .json, "
                    ".svg or .html",
                    setting.where, in_quotes(setting.value))};
  }
  compare.outputs.push_back(setting.value);
  return Done{};
}

bool read_seconds(std::string_view text, double& seconds) {
  const auto number = whole_number<double>(text);
  seconds = number.value_or(0);
  return std::isfinite(seconds) && seconds > 0;
}

// RUN or RUN,TOTAL.
Status set_limits(const Setting& setting, CompareOptions& compare) {
  const std::string_view text = setting.value;
  const std::size_t comma = text.find(',');
  const bool good = read_seconds(text.substr(0, comma), compare.run_limit) &&
                    (comma == std::string_view::npos ||
                     read_seconds(text.substr(comma + 1), compare.total_limit));
  if (good) return Done{};
  return Error{
      fmt::format("{}: bad value {}; valid: SECONDS for one run, or SECONDS,SECONDS for "
                  "one run and for all",
                  setting.where, in_quotes(text))};
}

// "PATTERN" and "more:PATTERN": more is better. "less:PATTERN": less is.
Status set_figure(const Setting& setting, CompareOptions& compare) {
  constexpr std::string_view kLess = "less:";
  constexpr std::string_view kMore = "more:";
  const std::string_view text = setting.value;
  compare.less_is_better = text.starts_with(kLess);
  const bool prefixed = compare.less_is_better || text.starts_with(kMore);
  compare.figure = text.substr(prefixed ? kLess.size() : 0);
  if (!compare.figure.empty()) return Done{};
  return Error{fmt::format("{}: the pattern is empty", setting.where)};
}

// The backends are handed on by themselves: one of the runs has another one. What is decided row
// by row is left out, and -v is about this command.
bool is_handed_on(Key key) {
  switch (key) {
    case Key::Backend:
    case Key::Summary:
    case Key::SummaryToo:
    case Key::Engine:
    case Key::Gate:
    case Key::Verbose:
      return false;
    default:
      return !is_compare_key(key) && goes_with(key, Occasion::Compare);
  }
}

}  // namespace

Status check_excluded(const Setting& setting, std::span<const Excluded> excluded,
                      std::string_view command) {
  const auto found = std::ranges::find(excluded, setting.key, &Excluded::key);
  if (found == excluded.end()) return Done{};
  return Error{fmt::format("{} and {} exclude each other: {}", setting.where, command, found->why)};
}

std::string respelled(const Setting& setting) {
  const OptionRow* row = find_option(setting.key);
  const bool has_value = row->argument != Argument::None && !setting.value.empty();
  if (row->name.empty()) return fmt::format("-{}{}", row->letter, has_value ? setting.value : "");
  return has_value ? fmt::format("--{}={}", row->name, setting.value)
                   : fmt::format("--{}", row->name);
}

Status apply_compare(const Setting& setting, CompareOptions& compare) {
  switch (setting.key) {
    case Key::Compare:
      return set_runs(setting, compare);
    case Key::CompareOutput:
      return add_output(setting, compare);
    case Key::CompareLoad:
      compare.load = setting.value;
      return Done{};
    case Key::CompareReady:
      compare.ready = setting.value;
      return Done{};
    case Key::CompareFigure:
      return set_figure(setting, compare);
    default:
      return set_limits(setting, compare);
  }
}

Status finish_compare(std::span<const Setting> line, Options& options) {
  CompareOptions& compare = options.compare;
  for (const Setting& setting : line) {
    if (!compare.asked) {
      const bool is_explores = options.explore.asked && setting.key == Key::CompareLimit;
      if (is_compare_key(setting.key) && !is_explores)
        return Error{setting.where + " needs --compare"};
      continue;
    }
    if (Status fits = check_excluded(setting, kExcludedByCompare, "--compare"); !fits) return fits;
    if (is_handed_on(setting.key)) compare.handed_on.push_back(respelled(setting));
  }
  if (!compare.asked) return Done{};
  if (options.command != Command::Run) {
    return Error{"option --compare needs a program to run, and serve and the lists run none"};
  }
  if (!compare.ready.empty() && compare.load.empty()) {
    return Error{
        "option --compare-ready needs --compare-load: a program without a load runs to "
        "its end"};
  }
  return Done{};
}

}  // namespace wc::config

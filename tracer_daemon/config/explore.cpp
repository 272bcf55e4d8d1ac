// --explore: its values, what excludes what, and the options that its runs get.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/relations.h"
#include "config/settings.h"
#include "config/words.h"

namespace wc::config {
namespace {

constexpr std::string_view kCounted = "-F, -B and -e choose what fails, which is counted";
constexpr std::string_view kOwnRules = "it makes a rule of its own for each run";
constexpr std::string_view kOwnReport = "it prints one table, or with -b json the same as JSON";

constexpr Excluded kExcludedByExplore[] = {
    {Key::Path, kCounted},
    {Key::Successful, kCounted},
    {Key::Failed, kCounted},
    {Key::StatusSet, kCounted},
    {Key::Inject, kOwnRules},
    {Key::Deny, kOwnRules},
    {Key::Fault, kOwnRules},
    {Key::Summary, kOwnReport},
    {Key::SummaryToo, kOwnReport},
    {Key::Append, kOwnReport},
    {Key::Separately, kOwnReport},
    {Key::Objects, "system calls are what fails"},
    {Key::Pid, "it starts the program itself, many times"},
    {Key::Connect, "it starts a tracer of its own for each run"},
    {Key::Control, "it starts a tracer of its own for each run"},
    {Key::Replay, "it runs programs, and a recorded one does not run"},
};

constexpr std::array<Key, 7> kHandedOn = {
    Key::Functions, Key::Breakpoints, Key::Syscalls, Key::Gate, Key::Scope, Key::User, Key::Config};

Status check_report(const Options& options) {
  const auto& backends = options.backends;
  if (backends.size() == 1 && (backends[0] == "text" || backends[0] == "json")) return Done{};
  return Error{
      fmt::format("option -b/--backend: {} is none of --explore's forms; valid: one of "
                  "text, json",
                  in_quotes(backends.back()))};
}

bool is_handed_to_runs(Key key) {
  return key == Key::NoFollow ||
         std::find(kHandedOn.begin(), kHandedOn.end(), key) != kHandedOn.end();
}

}  // namespace

Status apply_explore(const Setting& setting, ExploreOptions& explore) {
  explore.asked = true;
  explore.errors = setting.value;
  return Done{};
}

Status finish_explore(std::span<const Setting> file, std::span<const Setting> line,
                      Options& options) {
  ExploreOptions& explore = options.explore;
  if (!explore.asked) return Done{};
  for (const Setting& setting : line) {
    if (Status fits = check_excluded(setting, kExcludedByExplore, "--explore"); !fits) return fits;
    if (is_handed_to_runs(setting.key)) explore.handed_on.push_back(respelled(setting));
    if (setting.key != Key::CompareLimit) continue;
    explore.run_limit = options.compare.run_limit;
    const bool has_total = setting.value.find(',') != std::string::npos;
    if (has_total) explore.total_limit = options.compare.total_limit;
  }
  for (const Setting& setting : file) {
    if (is_default(setting)) continue;
    if (Status fits = check_excluded(setting, kExcludedByExplore, "--explore"); !fits) return fits;
  }
  if (!options.rules.empty())  // -e inject=
    return Error{fmt::format("rules and --explore exclude each other: {}", kOwnRules)};
  if (options.command != Command::Run)
    return Error{"option --explore needs a program to run, and serve and the lists run none"};
  return check_report(options);
}

}  // namespace wc::config

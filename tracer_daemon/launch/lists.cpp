#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "catalog/catalog.h"
#include "catalog/glob.h"
#include "catalog/selection.h"
#include "elf/image.h"
#include "launch/launch.h"
#include "launch/preflight.h"
#include "launch/syscall_lists.h"
#include "program/program_tables.h"

namespace wc {
namespace {

int fail(const Error& error) {
  complain(error.message);
  return kTracerFailed;
}

// Without a program there are this process's libraries only: a selection that names another one
// asks about some program.
Status check_libraries(std::span<const Term> terms, std::span<const Candidate> candidates) {
  for (const Term& term : terms) {
    const bool is_here =
        term.library.empty() || term.exclude ||
        std::any_of(candidates.begin(), candidates.end(),
                    [&](const Candidate& one) { return match_library(term.library, one.library); });
    if (!is_here)
      return Error{
          fmt::format("'{0}': which program's library? --list-functions '{0}' PROGRAM", term.text)};
  }
  return Done{};
}

}  // namespace

// One function a line: name, library, classes, as the selection takes them. Without a program,
// those of libc as this process has it.
int list_functions(const Options& options) {
  std::string path = "/proc/self/exe";
  if (!options.program.empty()) {
    Target target = inspect_target(options.program[0], Purpose::Wrap);
    if (!target.refusal.message.empty()) {
      complain(target.refusal.message);
      return target.refusal.status;
    }
    path = target.path;
  }
  auto image = read_image(path, false);
  if (!image) return fail(image.error());
  auto terms = parse_selection(options.list.empty() ? "@all" : options.list);
  if (!terms) return fail(terms.error());
  LibraryCache cache;
  auto libraries = cache.closure(*image, "");
  std::vector<Candidate> candidates;
  for (const auto& library : libraries)
    for (const ExportedFunction& function : library->functions)
      if (function.default_version)
        candidates.push_back({function.name, library->soname, library->soname == "libc.so.6"});
  if (options.program.empty())
    if (auto fits = check_libraries(*terms, candidates); !fits) return fail(fits.error());
  auto outcome = select(*terms, candidates, true);
  if (!outcome) return fail(outcome.error());
  for (const std::string& warning : outcome->warnings) complain(warning);
  std::vector<std::string> lines;
  for (uint32_t index : outcome->selected) {
    const Candidate& candidate = candidates[index];
    const FunctionSpec* spec = candidate.is_libc ? find_function(candidate.name) : nullptr;
    std::string line = fmt::format("{:<32} {:<16}", candidate.name, candidate.library);
    if (spec != nullptr) {
      for (const ClassName& name : class_names())
        if (spec->classes & name.bit) line += fmt::format(" @{}", name.name);
      if (spec->family != spec->name) line += fmt::format(" (as {})", spec->family);
    }
    lines.push_back(line.substr(0, line.find_last_not_of(' ') + 1));
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return print(text);
}

// What -F @CLASS and -e %CLASS select: name, how many, meaning.
int list_classes() {
  std::string text = "functions of libc (-F):\n";
  for (const ClassName& row : class_names()) {
    const auto rows = catalog();
    const auto count = std::count_if(rows.begin(), rows.end(), [&](const FunctionSpec& spec) {
      return (spec.classes & row.bit) != 0 && spec.wrap != Wrap::Never;
    });
    text += fmt::format("  {:<12} {:5}  {}\n", fmt::format("@{}", row.name), count, row.what);
  }
  text += syscall_class_rows();
  return print(text);
}

}  // namespace wc

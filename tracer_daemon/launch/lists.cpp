#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "catalog/selection.h"
#include "decode/decoder.h"
#include "decode/syscall_filter.h"
#include "elf/image.h"
#include "program/program_tables.h"
#include "launch/launch.h"
#include "launch/preflight.h"

namespace wc {
namespace {

int fail(const Error& error) {
  complain(error.message);
  return kTracerFailed;
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

int list_syscalls(const Options& options) {
  auto set = parse_syscall_filter(options.list.empty() ? "all" : options.list);
  if (!set) return fail(set.error());
  std::string text;
  for (uint32_t nr = 0; nr < set->size(); nr++) {
    if (!(*set)[nr]) continue;
    std::string_view name = syscall_spec(nr).name;
    if (name.rfind("syscall_0x", 0) != 0) text += fmt::format("{:4} {}\n", nr, name);
  }
  return print(text);
}

}  // namespace wc

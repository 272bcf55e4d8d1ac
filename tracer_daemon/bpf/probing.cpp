#include "bpf/probing.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "bpf/capture_rows.h"
#include "bpf/probe_plan.h"
#include "elf/image.h"

namespace wc {
namespace {

// libc has what others unwind by, and unwinds nothing itself.
bool is_no_libc_and_unwinds(const ObjectFile& object) {
  const std::string name = object.path.substr(object.path.rfind('/') + 1);
  const bool is_libc = name.starts_with("libc.so") || name.starts_with("libc.musl") ||
                       name.starts_with("ld-") || name.starts_with("libpthread.so");
  return !is_libc && unwinds(object);
}

}  // namespace

// A program and the libraries that it will have.
std::vector<ObjectFile> objects_of(const ObjectFile& program) {
  std::vector<ObjectFile> objects{program};
  if (auto image = read_image(program.open_path, false)) {
    const char* path = std::getenv("LD_LIBRARY_PATH");
    LibraryCache cache;
    for (const auto& library :
         cache.closure(*image, path != nullptr ? path : "", ImageDepth::Names))
      objects.push_back({library->path, library->path, false});
    if (!image->interpreter.empty())
      objects.push_back({image->interpreter, image->interpreter, false});
  }
  return objects;
}

// The first program that unwinds has the return probes of files that others have loaded before
// replaced by probes of their `ret` instructions.
void Probing::probe(const std::vector<ObjectFile>& objects) {
  if (options_.breaks == nullptr) return;
  if (by_address_ && std::ranges::any_of(objects, is_no_libc_and_unwinds)) {
    by_address_ = false;
    for (const ProbedFile& one : by_address_files_) {
      kernel_.remove_return_probes(one.path);
      probe_returns(one);
    }
    by_address_files_.clear();
  }
  for (const ObjectFile& object : objects) probe_file(object);
}

// Only where they return.
void Probing::probe_returns(const ProbedFile& file) {
  FunctionTable again;
  auto found = ProbePlan(*options_.breaks)
                   .plan({file.path, file.path, file.is_program}, file.in_program, false, again);
  if (!found) return;
  for (Probe& one : found->probes) {
    one.function += file.first_function;
    one.entry = 0;
  }
  (void)kernel_.probe(file.path, found->probes);
}

void Probing::probe_file(const ObjectFile& object) {
  struct stat status {};
  if (object.open_path.empty() || stat(object.open_path.c_str(), &status) != 0) return;
  if (!probed_.emplace(status.st_dev, status.st_ino).second) return;
  const uint32_t first = static_cast<uint32_t>(functions_.functions.size());
  auto found = ProbePlan(*options_.breaks).plan(object, found_in_program_, by_address_, functions_);
  if (!found) return say(1, object.path + ": " + found.error().message);
  for (const std::string& warning : found->warnings) say(1, warning);
  for (const std::string& refusal : found->refusals)
    say(options_.breaks->is_news(refusal) ? 0 : 1, refusal);
  for (uint32_t i = first; i < functions_.functions.size(); i++)
    kernel_.set_function_plan(
        i, plan_for_function(functions_.functions[i], options_.decode, options_.with_memory));
  const auto left_out = kernel_.probe(object.open_path, found->probes);
  for (const KernelSide::LeftOut& one : left_out)
    say(0, "function '" + functions_.functions[one.function].name + "' in " + object.path + ": " +
               one.why + "; its calls are not seen");
  if (by_address_ && !found->probes.empty())
    by_address_files_.push_back({object.open_path, object.is_program, found_in_program_, first});
  if (!found->probes.empty())
    say(2, object.path + ": " + std::to_string(found->probes.size()) + " functions are probed");
}

}  // namespace wc

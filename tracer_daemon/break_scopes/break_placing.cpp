#include "break_scopes/break_placing.h"

#include <elf.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>

#include "base/text.h"
#include "proc/files.h"
#include "proc/process.h"

namespace wc {
namespace {

constexpr std::string_view kLibc = "libc.so.6";

std::optional<uint64_t> read_entry_point(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr head{};
  if (!file.read(reinterpret_cast<char*>(&head), sizeof head)) return std::nullopt;
  return head.e_entry;
}

}  // namespace

BreakPlacing::BreakPlacing(const TraceRun& run, const ShimMemory& shim, ObjectReports& reports,
                           UnwrappedPrograms& unwrapped)
    : run_(run), shim_(shim), reports_(reports), unwrapped_(unwrapped) {
  if (run.options.uses_breakpoints()) guardian_ = Guardian::start();
}

void BreakPlacing::begin(Thread& thread) const {
  Process& process = *thread.process;
  process.breaks = nullptr;
  process.break_table = nullptr;
  process.break_counts.clear();
  process.found_in_program.clear();
  process.libraries.forget();
  process.objects = {};
  process.main = {};
  process.constructors.clear();
  process.shares_text = false;
  if (!run_.options.uses_breakpoints()) return;
  process.breaks = std::make_shared<Breakpoints>(process.pid, guardian_);
  process.break_table = std::make_shared<FunctionTable>();
  thread.begins = true;
}

void BreakPlacing::begin_attached(Process& process) const {
  process.breaks = std::make_shared<Breakpoints>(process.pid, guardian_);
  process.break_table = std::make_shared<FunctionTable>();
  process.main.state = MainSpan::State::In;
}

void BreakPlacing::on_first_code(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  try_preload(stop, thread, unwrapped_);
  if (!run_.options.uses_breakpoints()) return;
  protect(stop, thread);
  place_in_program(stop, thread);
  const bool has_loader = watch_loader(stop, process);
  if (!has_loader && run_.options.looks_for_main()) find_main_of_static(stop, thread);
  begin_phases(stop, thread);
}

void BreakPlacing::place_in_running(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  process.breaks->adopt(process.memory);
  protect(stop, thread);
  place_in_program(stop, thread);
  on_libraries_changed(stop, thread, Occasion::Attached);
  (void)watch_loader(stop, process);
}

// ld.so calls an empty function whenever it has mapped or unmapped something. False: there is none.
bool BreakPlacing::watch_loader(StoppedThread& stop, Process& process) const {
  const uint64_t event = LibraryWatch::event_address(process.pid, process.memory);
  if (event != 0) place_internal(stop, process, event, BreakRole::Libraries);
  return event != 0;
}

void BreakPlacing::end_watch_for_main(Process& process, uint64_t event) const {
  const bool for_main_only = run_.options.breaks == nullptr && !run_.options.watch_libraries;
  if (for_main_only && !process.libraries.empty())
    process.breaks->remove(process.memory, *process.breaks->at(event), BreakRole::Libraries);
}

// A wrapped program's shim has a handler of its own, which comes first.
void BreakPlacing::protect(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  if (process.table != nullptr && process.shim.bell == 0) return;
  AddressRange shim;
  if (process.shim.bell != 0 && in_shim(process, process.shim.bell)) shim = process.shim.text;
  uint64_t near = read_program_start(process.pid).entry;
  process.breaks->protect(stop, process.memory, near, shim);
}

void BreakPlacing::place_internal(StoppedThread& stop, Process& process, uint64_t address,
                                  BreakRole role) const {
  if (auto site = process.breaks->place(stop, process.memory, address, role); !site)
    run_.say(1, "process " + std::to_string(process.pid) + ": no breakpoint at " +
                    hexadecimal(address) + ": " + site.error().message);
}

void BreakPlacing::place_in_program(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  ObjectFile program;
  program.path = proc::exe_path(process.pid);
  program.open_path = proc::path_of(process.pid, "exe");
  program.is_program = true;
  auto entry = read_entry_point(program.open_path);
  if (!entry) return;
  uint64_t base = read_program_start(process.pid).entry - *entry;
  place_in_object(stop, process, program, base);
}

void BreakPlacing::place_in_object(StoppedThread& stop, Process& process, const ObjectFile& object,
                                   uint64_t base) {
  if (run_.options.breaks == nullptr) return;
  auto chosen = run_.options.breaks->choose(object, process.found_in_program);
  if (!chosen) return run_.say(1, object.path + ": " + chosen.error().message);
  if (object.is_program) process.found_in_program = chosen->found;
  for (const std::string& warning : chosen->warnings) run_.say(1, warning);
  for (const std::string& refusal : chosen->refusals)
    run_.say(run_.options.breaks->is_news(refusal) ? 0 : 1, refusal);
  size_t placed = 0;
  std::map<std::string, LeftOut> left_out;  // by the reason
  for (BreakChoice& one : chosen->functions) {
    auto site = process.breaks->place(stop, process.memory, base + one.address, BreakRole::Entry);
    if (!site) {
      LeftOut& same = left_out[site.error().message];
      if (same.count++ == 0) same.first = &one.info;
      continue;
    }
    placed++;
    (*site)->function = static_cast<uint32_t>(process.break_table->functions.size());
    process.break_table->functions.push_back(std::move(one.info));
  }
  if (run_.options.config & WC_CONFIG_COUNTS)
    process.break_counts.resize(process.break_table->functions.size());
  say_left_out(object, chosen->functions.size(), left_out);
  if (placed != 0) run_.say(2, object.path + ": " + std::to_string(placed) + " breakpoints");
}

// One line, however many they are.
void BreakPlacing::say_left_out(const ObjectFile& object, size_t selected,
                                const std::map<std::string, LeftOut>& left_out) const {
  size_t count = 0;
  std::string reasons;
  for (const auto& [why, same] : left_out) {
    count += same.count;
    reasons += (reasons.empty() ? "" : "; ") + std::to_string(same.count) + " ('" +
               same.first->name + (same.count == 1 ? "'): " : "' and others): ") + why;
  }
  if (count == 0) return;
  const auto& [why, only] = *left_out.begin();
  if (count == 1)
    return run_.say(0,
                    "breakpoint '" + only.first->name + "' in " + only.first->library + ": " + why);
  run_.say(0,
           object.path + ": " + std::to_string(count) + " of the " + std::to_string(selected) +
               " selected functions have no breakpoint, and their calls are not seen: " + reasons);
}

void BreakPlacing::on_libraries_changed(StoppedThread& stop, Thread& thread, Occasion occasion) {
  Process& process = *thread.process;
  if (occasion == Occasion::Running && process.libraries.empty()) occasion = Occasion::Start;
  ObjectChanges changes = process.libraries.look(process.pid, process.memory);
  // ld.so has relocated all of them by then; it calls their constructors next.
  const bool has_loaded = occasion == Occasion::Start && !changes.loaded.empty();
  if (has_loaded) enter_phase(thread, "tracer");
  reports_.report(stop, thread, changes, occasion);
  for (const MappedObject& gone : changes.unloaded)
    process.breaks->forget_unmapped(process.memory, process.libraries.span_of(gone));
  for (const MappedObject& object : changes.loaded) {
    // The program itself has its breakpoints; the tool's own libraries get none.
    bool is_program = process.libraries.is_program(object);
    bool is_own = shim_.is_own_library(process, object.path);
    if (is_program || is_own || object.path.empty()) continue;
    ObjectFile file = object_file(process.pid, object);
    if (file.open_path.empty()) {
      say_replaced(file.path);
      continue;
    }
    place_in_object(stop, process, file, object.base);
    if (run_.options.looks_for_main() && process.main.state == MainSpan::State::Before &&
        base_name(object.path) == kLibc)
      find_main_of_dynamic(stop, process, file, object.base);
  }
  if (has_loaded) begin_constructors(stop, thread, changes.loaded);
}

// Its symbols are those of a file that is not there any more.
void BreakPlacing::say_replaced(const std::string& path) const {
  bool is_named = run_.options.breaks != nullptr &&
                  run_.options.breaks->names_library(std::string(base_name(path)));
  run_.say(is_named ? 0 : 1,
           path +
               " was replaced or removed since the process has loaded it, and only "
               "root may read it through the process: calls of its functions are "
               "not seen; run as root, or start the process again");
}

void BreakPlacing::find_main_of_dynamic(StoppedThread& stop, Process& process,
                                        const ObjectFile& libc, uint64_t base) const {
  if (uint64_t at = address_of_function(libc, "__libc_start_main"); at != 0)
    place_internal(stop, process, base + at, BreakRole::MainsCaller);
  if (uint64_t at = address_of_function(libc, "exit"); at != 0)
    place_internal(stop, process, base + at, BreakRole::Exit);
}

void BreakPlacing::find_main_of_static(StoppedThread& stop, Thread& thread) const {
  Process& process = *thread.process;
  ObjectFile program{proc::exe_path(process.pid), proc::path_of(process.pid, "exe"), true};
  auto entry = read_entry_point(program.open_path);
  uint64_t main = address_of_function(program, "main");
  uint64_t exit = address_of_function(program, "exit");
  if (!entry || main == 0)
    return run_.say(
        run_.options.main_only ? 0 : 1,
        program.path +
            ": is statically linked and stripped, so that main cannot be found; nothing "
            "of it is reported (--scope=process reports everything)");
  uint64_t base = read_program_start(process.pid).entry - *entry;
  place_internal(stop, process, base + main, BreakRole::Main);
  if (exit != 0) place_internal(stop, process, base + exit, BreakRole::Exit);
}

}  // namespace wc

// Where breakpoints come from: at a new program's first instruction, whenever ld.so has mapped
// something, and at main for --scope=main.
#include <elf.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>

#include "breakpoints/mapped_objects.h"
#include "engine/tracer.h"
#include "proc/files.h"
#include "proc/process.h"

namespace wc {
namespace {

constexpr std::string_view kLibc = "libc.so.6";

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::optional<uint64_t> read_entry_point(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr head{};
  if (!file.read(reinterpret_cast<char*>(&head), sizeof head)) return std::nullopt;
  return head.e_entry;
}

}  // namespace

std::string hexadecimal(uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

bool Tracer::uses_breakpoints() const {
  return options_.breaks != nullptr || options_.main_only || options_.watch_libraries;
}

// A new program, at its exec stop: nothing of the old one's is left, and nothing can be done in its
// name before execve(2) has returned.
void Tracer::begin_breakpoints(Thread& thread) {
  Process& process = *thread.process;
  process.breaks = nullptr;
  process.break_table = nullptr;
  process.break_counts.clear();
  process.found_in_program.clear();
  process.libraries.forget();
  process.objects = {};
  process.main = {};
  process.shares_text = false;
  if (!uses_breakpoints()) return;
  process.breaks = std::make_shared<Breakpoints>(process.pid, guardian_.get());
  process.break_table = std::make_shared<FunctionTable>();
  thread.begins = true;
}

// It has returned; the thread stands before the program's first instruction, or ld.so's.
void Tracer::on_first_code(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  try_preload(stop, thread);
  if (!uses_breakpoints()) return;
  protect(stop, thread);
  place_in_program(stop, thread);
  if (uint64_t event = LibraryWatch::event_address(process.pid, process.memory); event != 0)
    place_internal(stop, process, event, BreakRole::Libraries);
  else if (options_.main_only)
    find_main_of_static(stop, thread);
}

// A wrapped program's shim has a handler of its own, which comes first.
void Tracer::protect(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  if (process.table != nullptr && process.shim.bell == 0) return;
  AddressRange shim;
  if (process.shim.bell != 0 && in_shim(process, process.shim.bell)) shim = process.shim.text;
  uint64_t near = read_program_start(process.pid).entry;
  process.breaks->protect(stop, process.memory, near, shim);
}

void Tracer::place_internal(StoppedThread& stop, Process& process, uint64_t address,
                            BreakRole role) {
  if (auto site = process.breaks->place(stop, process.memory, address, role); !site)
    say(1, "process " + std::to_string(process.pid) + ": no breakpoint at " + hexadecimal(address) +
               ": " + site.error().message);
}

void Tracer::place_in_program(StoppedThread& stop, Thread& thread) {
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

void Tracer::place_in_object(StoppedThread& stop, Process& process, const ObjectFile& object,
                             uint64_t base) {
  if (options_.breaks == nullptr) return;
  auto chosen = options_.breaks->choose(object, process.found_in_program);
  if (!chosen) return say(1, object.path + ": " + chosen.error().message);
  if (object.is_program) process.found_in_program = chosen->found;
  for (const std::string& warning : chosen->warnings) say(1, warning);
  for (const std::string& refusal : chosen->refusals)
    say(options_.breaks->is_news(refusal) ? 0 : 1, refusal);
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
  if (options_.config & WC_CONFIG_COUNTS)
    process.break_counts.resize(process.break_table->functions.size());
  say_left_out(object, chosen->functions.size(), left_out);
  if (placed != 0) say(2, object.path + ": " + std::to_string(placed) + " breakpoints");
}

// One line, however many they are.
void Tracer::say_left_out(const ObjectFile& object, size_t selected,
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
    return say(0, "breakpoint '" + only.first->name + "' in " + only.first->library + ": " + why);
  say(0, object.path + ": " + std::to_string(count) + " of the " + std::to_string(selected) +
             " selected functions have no breakpoint, and their calls are not seen: " + reasons);
}

void Tracer::on_libraries_changed(StoppedThread& stop, Thread& thread, Occasion occasion) {
  Process& process = *thread.process;
  if (occasion == Occasion::Running && process.libraries.empty()) occasion = Occasion::Start;
  ObjectChanges changes = process.libraries.look(process.pid, process.memory);
  report_objects(stop, thread, changes, occasion);
  for (const MappedObject& gone : changes.unloaded)
    process.breaks->forget_unmapped(process.memory, process.libraries.span_of(gone));
  for (const MappedObject& object : changes.loaded) {
    // The program itself has its breakpoints; our own libraries get none.
    bool is_program = process.libraries.is_program(object);
    bool is_ours = is_own_library(process, object.path);
    if (is_program || is_ours || object.path.empty()) continue;
    ObjectFile file = object_file(process.pid, object);
    if (file.open_path.empty()) {
      tell_of_replaced(file.path);
      continue;
    }
    place_in_object(stop, process, file, object.base);
    if (options_.main_only && process.main.state == MainSpan::State::Before &&
        base_name(object.path) == kLibc)
      find_main_of_dynamic(stop, process, file, object.base);
  }
}

// Its symbols are those of a file that is not there any more.
void Tracer::tell_of_replaced(const std::string& path) const {
  bool is_named = options_.breaks != nullptr && options_.breaks->names_library(base_name(path));
  say(is_named ? 0 : 1, path +
                            " was replaced or removed since the process has loaded it, and only "
                            "root may read it through the process: calls of its functions are "
                            "not seen; run as root, or start the process again");
}

// ---- --scope=main

bool Tracer::is_reported(const Thread& thread) const {
  return !options_.main_only || thread.process->main.state == MainSpan::State::In;
}

void Tracer::find_main_of_dynamic(StoppedThread& stop, Process& process, const ObjectFile& libc,
                                  uint64_t base) {
  if (uint64_t at = address_of_function(libc, "__libc_start_main"); at != 0)
    place_internal(stop, process, base + at, BreakRole::MainsCaller);
  if (uint64_t at = address_of_function(libc, "exit"); at != 0)
    place_internal(stop, process, base + at, BreakRole::Exit);
}

void Tracer::find_main_of_static(StoppedThread& stop, Thread& thread) {
  Process& process = *thread.process;
  ObjectFile program{proc::exe_path(process.pid), proc::path_of(process.pid, "exe"), true};
  auto entry = read_entry_point(program.open_path);
  uint64_t main = address_of_function(program, "main");
  uint64_t exit = address_of_function(program, "exit");
  if (!entry || main == 0)
    return say(0, program.path +
                      ": is statically linked and stripped, so that main cannot be found; nothing "
                      "of it is reported (--scope=process reports everything)");
  uint64_t base = read_program_start(process.pid).entry - *entry;
  place_internal(stop, process, base + main, BreakRole::Main);
  if (exit != 0) place_internal(stop, process, base + exit, BreakRole::Exit);
}

void Tracer::on_main_known(StoppedThread& stop, Thread& thread, uint64_t main) {
  place_internal(stop, *thread.process, main, BreakRole::Main);
}

void Tracer::on_main_entered(StoppedThread& stop, Thread& thread, const user_regs_struct& regs) {
  Process& process = *thread.process;
  MainSpan& span = process.main;
  process.breaks->remove(process.memory, *process.breaks->at(regs.rip - 1), BreakRole::Main);
  if (span.state != MainSpan::State::Before) return;
  for (const auto& [tid, other] : threads_)
    if (other->process == thread.process) drain(*other, 0);  // what was before is passed over
  span.sp = regs.rsp;
  process.memory.read_all({regs.rsp}, &span.caller, sizeof span.caller);
  place_internal(stop, process, span.caller, BreakRole::Return);
  span.state = MainSpan::State::In;
  span.counts = wrapped_counts(process);
}

void Tracer::on_main_left(Thread& thread, uint64_t sp) {
  Process& process = *thread.process;
  MainSpan& span = process.main;
  if (span.state != MainSpan::State::In) return;
  for (const auto& [tid, other] : threads_) {
    if (other->process != thread.process) continue;
    drain(*other, other.get() == &thread ? sp : 0);
    drop_missing(*other, {});
    while (!other->breaks.empty()) pop_break(*other);
  }
  span.counts = main_counts(process);
  span.state = MainSpan::State::After;
}

// Of the wrapped functions, since main was entered.
std::vector<wc_counter> Tracer::main_counts(Process& process) const {
  const MainSpan& span = process.main;
  if (span.state != MainSpan::State::In) return span.counts;
  auto now = wrapped_counts(process);
  for (size_t i = 0; i < now.size() && i < span.counts.size(); i++) {
    now[i].calls -= span.counts[i].calls;
    now[i].ticks -= span.counts[i].ticks;
  }
  return now;
}

std::vector<wc_counter> Tracer::wrapped_counts(Process& process) const {
  std::vector<wc_counter> counts;
  ProcessShare* share = process.share.get();
  if (share == nullptr || process.table == nullptr || !(options_.config & WC_CONFIG_COUNTS))
    return counts;
  auto rows = static_cast<uint32_t>(process.table->functions.size()) + WC_OWN_SCOPES;
  for (uint32_t i = 0; i < rows; i++) counts.push_back(share->total(i));
  return counts;
}

}  // namespace wc

// What a program does from its first instruction to its end (WC_WANT_PHASES): by a breakpoint at
// each place where that changes.
#include "break_scopes/break_placing.h"
#include "objects/constructors.h"

namespace wc {

void BreakPlacing::enter_phase(const Thread& thread, const char* name,
                               const std::string& library) const {
  if (run_.options.phases) run_.pipeline.phase(thread.process->pid, thread.tid, name, library);
}

// It stands at the first instruction of ld.so, or of a static program.
void BreakPlacing::begin_phases(StoppedThread& stop, Thread& thread) const {
  if (!run_.options.phases) return;
  Process& process = *thread.process;
  const ProgramStart start = read_program_start(process.pid);
  user_regs_struct regs{};
  const bool has_loader = stop.registers(regs) && regs.rip != start.entry;
  enter_phase(thread, has_loader ? "loader" : "before main");
  if (has_loader) place_internal(stop, process, start.entry, BreakRole::ProgramEntry);
}

// ld.so calls the constructors of one library after the other: the first of each says whose turn it
// is. The program's own are called by libc, after its entry point.
void BreakPlacing::begin_constructors(StoppedThread& stop, Thread& thread,
                                      const std::vector<MappedObject>& libraries) const {
  if (!run_.options.phases) return;
  Process& process = *thread.process;
  for (const MappedObject& library : libraries) {
    const bool is_own = shim_.is_own_library(process, library.path);
    if (is_own || library.path.empty() || process.libraries.is_program(library)) continue;
    const uint64_t first = first_constructor(process.memory, library.base, library.dynamic);
    if (first == 0) continue;
    process.constructors[first] = library.path;
    place_internal(stop, process, first, BreakRole::Constructor);
  }
  enter_phase(thread, "constructors");
}

void BreakPlacing::on_constructor(Thread& thread, uint64_t address) const {
  Process& process = *thread.process;
  process.breaks->remove(process.memory, *process.breaks->at(address), BreakRole::Constructor);
  const auto library = process.constructors.find(address);
  if (library != process.constructors.end()) enter_phase(thread, "constructors", library->second);
}

void BreakPlacing::on_program_entered(Thread& thread, uint64_t address) const {
  Process& process = *thread.process;
  process.breaks->remove(process.memory, *process.breaks->at(address), BreakRole::ProgramEntry);
  enter_phase(thread, "before main");
}

}  // namespace wc

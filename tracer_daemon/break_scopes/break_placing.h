// Where breakpoints come from: at a new program's first instruction, whenever ld.so has mapped
// something, and at main for --scope=main.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "break_scopes/object_reports.h"
#include "breakpoints/guardian.h"
#include "breakpoints/mapped_objects.h"
#include "program/preload_trial.h"
#include "tracee/shim_memory.h"

namespace wc {

class BreakPlacing {
 public:
  BreakPlacing(const TraceRun& run, const ShimMemory& shim, ObjectReports& reports,
               UnwrappedPrograms& unwrapped);

  // A new program, at its exec stop: nothing of the old one's is left, and nothing can be done in
  // its name before execve(2) has returned.
  void begin(Thread& thread) const;
  // A process that runs already.
  void begin_attached(Process& process) const;
  // It has returned; the thread stands before the program's first instruction, or ld.so's.
  void on_first_code(StoppedThread& stop, Thread& thread);
  // The first thread that stands still, after the process was attached to.
  void place_in_running(StoppedThread& stop, Thread& thread);
  // What ld.so has mapped and unmapped since the last look.
  void on_libraries_changed(StoppedThread& stop, Thread& thread, Occasion occasion);
  // What ld.so's notice at `event` brings, where --scope=main is all that waits for it: it looks
  // for libc, which is there at the start or never.
  void end_watch_for_main(Process& process, uint64_t event) const;
  // phases.cpp: the first constructor of a library, and the program's entry point, are reached.
  void on_constructor(Thread& thread, uint64_t address) const;
  void on_program_entered(Thread& thread, uint64_t address) const;
  void enter_phase(const Thread& thread, const char* name, const std::string& library = {}) const;
  // What is open is reported no further than main.
  [[nodiscard]] bool is_for_main_only() const { return run_.options.main_only; }
  // The handler that keeps the program alive when the tracer is killed.
  static void protect(StoppedThread& stop, Thread& thread);
  // One of the tracer's own.
  void place_internal(StoppedThread& stop, Process& process, uint64_t address,
                      BreakRole role) const;

 private:
  struct LeftOut {
    size_t count = 0;
    const FunctionInfo* first = nullptr;
  };
  void place_in_program(StoppedThread& stop, Thread& thread);
  void place_in_object(StoppedThread& stop, Process& process, const ObjectFile& object,
                       uint64_t base);
  void begin_phases(StoppedThread& stop, Thread& thread) const;
  void begin_constructors(StoppedThread& stop, Thread& thread,
                          const std::vector<MappedObject>& libraries) const;
  bool watch_loader(StoppedThread& stop, Process& process) const;
  void say_left_out(const ObjectFile& object, size_t selected,
                    const std::map<std::string, LeftOut>& left_out) const;
  void say_replaced(const std::string& path) const;
  void find_main_of_dynamic(StoppedThread& stop, Process& process, const ObjectFile& libc,
                            uint64_t base) const;
  void find_main_of_static(StoppedThread& stop, Thread& thread) const;

  const TraceRun& run_;
  const ShimMemory& shim_;
  ObjectReports& reports_;
  UnwrappedPrograms& unwrapped_;
  std::shared_ptr<Guardian> guardian_;
};

}  // namespace wc

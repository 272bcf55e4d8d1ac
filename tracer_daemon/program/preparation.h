// A program that is about to run: which functions of it are wrapped, and how it is made to load the
// shim and its stub library.
#pragma once

#include <optional>
#include <string>

#include "kernel/stopped_thread.h"
#include "program/program_tables.h"
#include "program/unwrapped_programs.h"
#include "session/library_copies.h"
#include "tracee/tracees.h"

namespace wc {

class Preparation {
 public:
  Preparation(const TraceRun& run, const FirstProgram& first, ProgramTables& tables,
              LibraryCopies& copies, UnwrappedPrograms& unwrapped)
      : run_(run), first_(first), tables_(tables), copies_(copies), unwrapped_(unwrapped) {}

  // At the exec stop: chooses the functions and gives the new program its LD_PRELOAD. A program
  // that cannot be wrapped runs without.
  void prepare(const StoppedThread& stop, Thread& thread);
  // Why the first program cannot be traced as it was asked for.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  Result<std::string> readable_preload(const Process& process, LibraryReader reader,
                                       const ProgramTables::Prepared& prepared);
  void report_go_program(const std::string& path, bool is_first);

  const TraceRun& run_;
  const FirstProgram& first_;
  ProgramTables& tables_;
  LibraryCopies& copies_;
  UnwrappedPrograms& unwrapped_;
  std::optional<Error> failure_;
};

}  // namespace wc

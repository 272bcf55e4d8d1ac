// What the numbers of functions mean in the processes of a recorded run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "events/function_table.h"
#include "events/own_scopes.h"
#include "events/tape_ops.h"

namespace wc {

class RecordedProcesses {
 public:
  struct Process {
    FunctionTable table, breaks;
    FunctionModes modes;
    OwnScopes own_scopes;
  };
  Process& of(int32_t pid) { return processes_[pid]; }
  void forget(int32_t pid);

  // Findings about a process. False: it makes no sense.
  bool function(int32_t pid, TapeReader& reader);
  bool own_scope(TapeReader& reader);
  bool table(int32_t pid, TapeReader& reader);
  bool mode(int32_t pid, TapeReader& reader);

 private:
  std::unordered_map<int32_t, Process> processes_;
  size_t rows_ = 0;  // of all tables
};

}  // namespace wc

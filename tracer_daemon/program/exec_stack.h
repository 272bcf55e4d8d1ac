// A new program at its exec stop, before ld.so has run: reading what it was started with, and
// giving it an LD_PRELOAD.
//
// The environment is changed on the new stack, not in the caller: so programs that exec with a
// cleaned environment are followed too, and no program sees the variable (the shim's constructor
// takes it away again, protocol/stub.h). Source: System V ABI 3.4.1, the initial process stack.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/process_memory.h"
#include "kernel/stopped_thread.h"

namespace wc {

struct ExecStack {
  uint64_t sp = 0;
  std::vector<uint64_t> words;  // argc, argv, NULL, envp, NULL, auxv up to AT_NULL
  size_t environment = 0;       // index of the first environment pointer
  size_t environment_end = 0;   // index of its NULL
  std::string ld_preload;       // the program's own, empty when it has none
  std::string ld_library_path;
  uint64_t ld_preload_at = 0;    // address of its "LD_PRELOAD=..." string
  size_t ld_preload_index = 0;   // 0: none
  bool secure = false;           // AT_SECURE: ld.so will not take our libraries
  bool lists_libraries = false;  // LD_TRACE_LOADED_OBJECTS: ld.so lists them, and runs nothing
};

// Bounded: an argument vector of more than 8 MiB of pointers is an error.
Result<ExecStack> read_exec_stack(const StoppedThread& thread, ProcessMemory& memory);

// Sets LD_PRELOAD to `value` in the stopped program. `flags`: WC_PRELOAD_FREE.
Status set_ld_preload(const StoppedThread& thread, ProcessMemory& memory, const ExecStack& stack,
                      const std::string& value, uint64_t flags);

}  // namespace wc

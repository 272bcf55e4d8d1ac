// The JSON trace of one run (docs/json.schema.json), as far as exploring needs it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace wc::explore {

// Where a call was made.
struct Place {
  std::string object;  // path; empty: not known
  std::string symbol;
  uint64_t offset = 0;
  std::string file;
  uint64_t line = 0;

  bool operator==(const Place&) const = default;
};

struct Call {
  std::string function, library;
  uint64_t parent = 0;  // 0: none
  Place caller;
};

struct Syscall {
  std::string name;
  uint64_t call = 0;  // the innermost open one; 0: none
  pid_t tid = 0;
  std::string error;  // empty: it succeeded
  bool injected = false;
};

// A process that a signal has ended.
struct Death {
  pid_t pid = 0;
  std::string signal;
  std::vector<std::string> stack;  // where it stood when the signal came, with -k, innermost first
};

struct Trace {
  std::map<uint64_t, Call> calls;
  std::vector<Syscall> syscalls;
  std::vector<Death> deaths;
  pid_t program = 0;          // its first process
  bool program_ends = false;  // its end has been seen
  unsigned executions = 0;    // programs that were executed after the first one

  // The calls that are open in it, innermost first.
  [[nodiscard]] std::vector<const Call*> open_calls(const Syscall& syscall) const;
};

// A file that is not there holds nothing. An error: a line that is no JSON.
Result<Trace> read_trace(const std::string& path);

// "main+0x21 at hello.c:5", "main+0x21 in hello", "hello+0x116a", as the text backend has it.
std::string place_text(const Place& place);

}  // namespace wc::explore

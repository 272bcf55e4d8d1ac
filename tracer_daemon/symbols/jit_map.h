// Names of code that a program makes at run time, as it writes them down for perf(1):
// /tmp/perf-PID.map, where node --perf-basic-prof, java (jcmd PID Compiler.perfmap), python -X perf
// and others put them. Internal to tracer_daemon/symbols.
//
// Source: tools/perf/Documentation/jit-interface.txt in the kernel's tree.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/scoped_fd.h"

namespace wc {

struct JitName {
  uint64_t begin = 0, size = 0;
  std::string name;
};

class JitMap {
 public:
  // What stands at the address now, for the program adds lines as it makes code; nullptr: nothing
  // that it has named. Valid until the next call.
  const JitName* find(pid_t pid, uint64_t address);

  // Lines of the file. A later one takes the place of those that it overlaps; one that is not
  // complete waits for its rest.
  void add(std::string_view text);
  // As last read.
  [[nodiscard]] const JitName* find(uint64_t address) const;
  // The file as the process sees it: in its file system, by its number in its own pid namespace.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  bool open(pid_t pid);
  void add_line(std::string_view line);

  std::string path_;  // empty: not looked for yet
  ScopedFd file_;
  std::chrono::steady_clock::time_point next_look_{};  // for the file
  uint64_t read_ = 0;                                  // bytes of the file
  std::string partial_;                                // its last line, so far
  std::map<uint64_t, JitName> names_;                  // by beginning, none overlaps another
};

}  // namespace wc

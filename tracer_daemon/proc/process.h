// What else /proc says of a process. Source: proc(5).
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wc::proc {

// The program that it executes, with " (deleted)" behind where that is so. Empty: it has ended, or
// may not be examined.
std::string exe_path(pid_t pid);

// What is open at a descriptor: a path, "socket:[123]", "pipe:[4]"; empty: nothing.
std::string descriptor_target(pid_t pid, int fd);

// The ids of its threads; empty: it has ended.
std::vector<pid_t> threads_of(pid_t pid);

// What the kernel has told a new program (getauxval(3)).
class AuxiliaryVector {
 public:
  // Ends at AT_NULL, or where a pair is cut off.
  static AuxiliaryVector parse(std::string_view bytes);
  [[nodiscard]] std::optional<uint64_t> find(uint64_t type) const;

 private:
  struct Entry {
    uint64_t type, value;
  };
  std::vector<Entry> entries_;
};
Result<AuxiliaryVector> read_auxv(pid_t pid);

// Where a thread is that does not run: /proc/TID/syscall.
struct KernelPlace {
  enum class Kind {
    Running,    // or about to
    InSyscall,  // blocked in `nr`
    Elsewhere,  // blocked, in a page fault say
  } kind = Kind::Running;
  int64_t nr = -1;
  std::array<uint64_t, 6> args{};
  uint64_t sp = 0, ip = 0;
};
std::optional<KernelPlace> parse_kernel_place(std::string_view text);
Result<KernelPlace> read_kernel_place(pid_t tid);

// /proc/sys/kernel/yama/ptrace_scope; 0 where there is no Yama.
int yama_scope();

}  // namespace wc::proc

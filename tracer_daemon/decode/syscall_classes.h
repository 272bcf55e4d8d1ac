// The classes of syscalls that -e %name selects, as strace has them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace wc {

enum SyscallClass : uint32_t {
  kDesc = 1u << 0,        // %desc: takes or returns a descriptor
  kFile = 1u << 1,        // %file: takes a file name
  kProcess = 1u << 2,     // %process: life of processes
  kNetwork = 1u << 3,     // %network, %net
  kSignal = 1u << 4,      // %signal
  kIpc = 1u << 5,         // %ipc: System V
  kMemory = 1u << 6,      // %memory: mappings
  kCreds = 1u << 7,       // %creds: user and group ids, capabilities
  kClock = 1u << 8,       // %clock: reads or sets a clock
  kPure = 1u << 9,        // %pure: cannot fail, takes nothing
  kStat = 1u << 10,       // %stat
  kLstat = 1u << 11,      // %lstat
  kFstat = 1u << 12,      // %fstat
  kStatAny = 1u << 13,    // %%stat: all of these and statx
  kStatfs = 1u << 14,     // %statfs
  kFstatfs = 1u << 15,    // %fstatfs
  kStatfsAny = 1u << 16,  // %%statfs
};

struct SyscallClassName {
  std::string_view name;  // without the first %
  uint32_t bit;
  std::string_view what;  // one line for --list-syscalls
};

std::span<const SyscallClassName> syscall_class_names();

}  // namespace wc

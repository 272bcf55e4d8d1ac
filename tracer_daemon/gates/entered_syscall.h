// A syscall as a gate sees it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernel/stopped_thread.h"

namespace wc {

// A syscall at its entry, whatever kind of stop has shown it.
struct EnteredSyscall {
  uint64_t sp = 0;
  uint64_t ip = 0;  // behind the syscall instruction
  uint32_t nr = 0;
  std::array<uint64_t, 6> args{};

  static EnteredSyscall of(const StoppedThread::SyscallInfo& info) {
    EnteredSyscall entered{info.sp, info.ip, static_cast<uint32_t>(info.nr), {}};
    std::ranges::copy(info.args, entered.args.begin());
    return entered;
  }
};

}  // namespace wc

#include "engine/interruption.h"

#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace wc {
namespace {

// Sets of signals as proc(5) has them in /proc/PID/status.
struct SignalSets {
  uint64_t waiting = 0, blocked = 0, ignored = 0, caught = 0;

  // Of those, nothing comes.
  [[nodiscard]] uint64_t passed_over() const {
    constexpr uint64_t kByDefault = 1ull << (SIGCHLD - 1) | 1ull << (SIGURG - 1) |
                                    1ull << (SIGWINCH - 1) | 1ull << (SIGCONT - 1);
    return ignored | (kByDefault & ~caught);
  }
};

SignalSets read_sets(pid_t tid) {
  SignalSets sets;
  std::ifstream file("/proc/" + std::to_string(tid) + "/status");
  for (std::string line; std::getline(file, line);) {
    std::string_view field = std::string_view(line).substr(0, 7);
    if (!field.ends_with(':')) continue;
    uint64_t value = std::strtoull(line.c_str() + field.size(), nullptr, 16);
    if (field == "SigPnd:" || field == "ShdPnd:") sets.waiting |= value;
    if (field == "SigBlk:") sets.blocked = value;
    if (field == "SigIgn:") sets.ignored = value;
    if (field == "SigCgt:") sets.caught = value;
  }
  return sets;
}

// signal(7), "Interruption of system calls and library functions by stop signals"; futex and the
// reads of inotify are restarted by newer kernels.
bool fails_when_interrupted(uint64_t nr) {
  switch (nr) {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_rt_sigtimedwait:
    case SYS_io_getevents:
    case SYS_io_pgetevents:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool issue_again(const StoppedThread& stop, user_regs_struct& regs) {
  bool failed = static_cast<int64_t>(regs.rax) == -EINTR && fails_when_interrupted(regs.orig_rax);
  if (!failed) return false;
  SignalSets sets = read_sets(stop.tid());
  if ((sets.waiting & ~sets.blocked & ~sets.passed_over()) != 0) return false;
  regs.rax = regs.orig_rax;
  regs.orig_rax = ~0ull;
  regs.rip -= 2;
  return stop.set_registers(regs);
}

bool issue_again(const StoppedThread& stop, int64_t result) {
  user_regs_struct regs{};
  return result == -EINTR && stop.registers(regs) && issue_again(stop, regs);
}

bool is_ignored(pid_t pid, int signal) {
  return (read_sets(pid).passed_over() >> (signal - 1) & 1) != 0;
}

}  // namespace wc

#include "kernel/kernel.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace wc {
namespace {

class LinuxKernel final : public Kernel {
 public:
  // Not ptrace(3): the C library's function returns what PEEK requests read in place of an error.
  long trace(int request, pid_t tid, uint64_t address, uint64_t data) override {
    long result = syscall(SYS_ptrace, request, tid, address, data);
    return result < 0 ? -errno : result;
  }

  Seen look(pid_t tid, Wait how) override {
    siginfo_t info{};
    const int options = WEXITED | WSTOPPED | WNOWAIT | __WALL | (how == Wait::Block ? 0 : WNOHANG);
    if (waitid(tid == kAnyThread ? P_ALL : P_PID, static_cast<id_t>(tid), &info, options) != 0)
      return {-errno, 0};
    if (info.si_pid == 0) return {};
    bool stopped = info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED;
    bool carries_signal = info.si_status == SIGSYS || info.si_status == SIGTRAP;
    if (stopped && carries_signal) return {info.si_pid, info.si_status << 8 | 0x7f};
    // It may have been killed in the meantime: what it is now counts.
    Seen seen;
    seen.tid = waitpid(info.si_pid, &seen.status, __WALL | WNOHANG);
    if (seen.tid < 0) seen.tid = -errno;
    return seen;
  }

  void claim(pid_t tid) override {
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(tid), &info, WSTOPPED | WNOHANG | __WALL);
  }

  ScopedFd open_memory(pid_t tid) override {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/mem", tid);
    ScopedFd file(open(path, O_RDWR | O_CLOEXEC));
    if (!file.valid() && (errno == EROFS || errno == EACCES))
      file = ScopedFd(open(path, O_RDONLY | O_CLOEXEC));
    return file;
  }

  void send_signal(pid_t tid, int signal) override { syscall(SYS_tkill, tid, signal); }
};

}  // namespace

Kernel& Kernel::real() {
  static LinuxKernel kernel;
  return kernel;
}

}  // namespace wc

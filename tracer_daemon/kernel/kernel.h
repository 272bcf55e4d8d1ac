// What the tracer asks of the operating system about its tracees. One object, so that a unit test
// can put a scripted one in its place and play stops, ends and failures in any order.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/scoped_fd.h"

namespace wc {

// What waitid(2) has to say: which thread has stopped or ended, and how, as waitpid(2) encodes it.
struct Seen {
  pid_t tid = 0;  // 0: nothing yet; negative: -errno
  int status = 0;
};

enum class Wait { Block, Poll };
inline constexpr pid_t kAnyThread = -1;

class Kernel {
 public:
  virtual ~Kernel() = default;

  // ptrace(2) as the system call has it: the result, or -errno.
  virtual long trace(int request, pid_t tid, uint64_t address, uint64_t data) = 0;

  // The next stop or end of `tid`, or of any tracee. A stop for SIGSYS or SIGTRAP is looked at and
  // not consumed: consuming it takes the signal away from the stop, and if the tracer were killed
  // before it resumes the thread, the shim's handler (preload_lib/orphan.c) would never run. Such a
  // stop is found again until the thread is resumed or claim() is called.
  virtual Seen look(pid_t tid, Wait how) = 0;
  // Consumes that stop: it is not found again.
  virtual void claim(pid_t tid) = 0;

  // /proc/TID/mem for reading and writing, or for reading only where the file system allows no
  // more; invalid with errno set.
  virtual ScopedFd open_memory(pid_t tid) = 0;

  // tkill(2).
  virtual void send_signal(pid_t tid, int signal) = 0;

  static Kernel& real();
};

}  // namespace wc

// Syscalls that signals interrupt. One syscall is one event, however often the kernel
// restarts it: it ends with its last result, or as EINTR when its handler returns.
//
// Source: signal(7), "Interruption of system calls"; include/linux/errno.h.
#pragma once

#include "kernel/stopped_thread.h"
#include "recording/open_scopes.h"
#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

class Interruptions {
 public:
  explicit Interruptions(const TraceRun& run) : run_(run) {}

  // A signal is about to be delivered inside a call. What its handler does belongs to that call,
  // marked; a signal without a handler changes nothing.
  static void note_handler(Thread& thread, int signal, uint64_t sp, const wc_scope& call);
  // Whether the syscall that is being issued is an interrupted one that comes again. It is the last
  // of thread.inflight then.
  static bool resumes(Thread& thread, uint64_t sp, uint64_t ip, uint32_t nr);
  // A handler returns. What it interrupted will be issued again, or ends here.
  void on_sigreturn(Thread& thread, uint64_t sp) const;

 private:
  const TraceRun& run_;
};

}  // namespace wc

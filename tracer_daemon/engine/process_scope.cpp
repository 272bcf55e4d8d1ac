// Full-process mode (--scope=process): all syscalls of all threads, as strace -f has them.
//
// Threads are always resumed to their next syscall stop, so no gate is needed. Where functions are
// wrapped as well, the open calls are read from the thread's slot at every stop. Each attempt of an
// interrupted syscall is an event of its own here, as in strace: nothing has to be equal between
// gates.
#include <sys/syscall.h>

#include <algorithm>

#include "signals/interruption.h"
#include "engine/tracer.h"

namespace wc {
void Tracer::on_any_entry(const StoppedThread& stop, Thread& thread,
                          const StoppedThread::SyscallInfo& info) {
  thread.ignore_exit = true;
  auto nr = static_cast<uint32_t>(info.nr);
  Process& process = *thread.process;
  // Until its first exec it runs the tool's own code.
  if (!process.started && nr != SYS_execve) return;
  if (is_shims_own(process, info.ip)) return;
  drain(thread, info.sp);
  if (nr == SYS_rt_sigreturn) end_handler_call(thread, info.sp);
  Inflight entry;
  entry.sp = info.sp;
  entry.ip = info.ip;
  entry.syscall.nr = nr;
  if (has_time_limit(nr)) entry.since = TickClock::now();
  std::copy(std::begin(info.args), std::end(info.args), entry.syscall.args);
  // These two have no arguments; what they go back to is shown in their place.
  if (nr == SYS_rt_sigreturn) entry.syscall.args[0] = info.sp;
  if (nr == SYS_restart_syscall) entry.syscall.args[0] = thread.restarts;
  if (pipeline_.reports(nr)) {
    if (process.started) take_stack(thread, stop);
    report_calls(thread, live_scopes(thread, info.sp), true);
    entry.syscall.in_signal = !thread.handlers.empty();
    pipeline_.syscall_enter(thread.source(), entry.syscall);
  }
  if (nr == SYS_rt_sigreturn) on_sigreturn(thread, info.sp);
  if (process.table != nullptr) on_signal_call(stop, thread, entry);
  thread.ignore_exit = false;
  push_inflight(thread, std::move(entry));
}

void Tracer::on_any_exit(const StoppedThread& stop, Thread& thread,
                         const StoppedThread::SyscallInfo& info) {
  if (thread.ignore_exit || thread.inflight.empty()) return;
  if (!issue_in_time(stop, thread, info.ret)) restore_limit(stop, thread);
  Inflight done = std::move(thread.inflight.back());
  thread.inflight.pop_back();
  constexpr int64_t kRestartBlock = -516;  // ERESTART_RESTARTBLOCK, include/linux/errno.h
  if (info.ret == kRestartBlock && done.syscall.nr != SYS_restart_syscall)
    thread.restarts = done.syscall.nr;
  on_signal_call_exit(stop, thread, done, info.ret);
  if (info.ret < 0 && info.ret >= -4095)
    for (BreakScope& one : thread.breaks) one.last_error = static_cast<int32_t>(-info.ret);
  if (done.syscall.reported)
    pipeline_.syscall_exit(thread.source(), done.syscall, info.ret, TickClock::now());
}

}  // namespace wc

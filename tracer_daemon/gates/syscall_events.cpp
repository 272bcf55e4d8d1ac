#include "gates/syscall_events.h"

#include <sys/syscall.h>

#include <algorithm>
#include <utility>

#include "events/tick_clock.h"

namespace wc {

std::span<const wc_scope> SyscallEvents::look(Thread& thread, const EnteredSyscall& entered) {
  parts_.records.drain(thread, entered.sp);
  parts_.records.complete_thin(thread);
  if (entered.nr == SYS_rt_sigreturn) parts_.breaks.end_handler_call(thread, entered.sp);
  return parts_.scopes.live(thread, entered.sp);
}

namespace {

Inflight inflight_of(const EnteredSyscall& entered) {
  Inflight entry;
  entry.sp = entered.sp;
  entry.ip = entered.ip;
  entry.syscall.nr = entered.nr;
  if (has_time_limit(entered.nr)) entry.since = TickClock::now();
  std::ranges::copy(entered.args, entry.syscall.args);
  // It has no arguments, but a frame.
  if (entered.nr == SYS_rt_sigreturn) entry.syscall.args[0] = entered.sp;
  return entry;
}

}  // namespace

SyscallEvents::Begun SyscallEvents::begin(const StoppedThread& stop, Thread& thread,
                                          const EnteredSyscall& entered,
                                          std::span<const wc_scope> scopes) {
  const bool in_any_call = thread.process->watches_all;
  Inflight entry = inflight_of(entered);
  const bool is_wanted = run_.pipeline.reports(entered.nr) &&
                         (in_any_call || (!scopes.empty() && parts_.scopes.is_reported(thread)));
  const bool returns = entered.nr == SYS_rt_sigreturn;
  // The gate returns for the handler itself, unless all is watched: no rule can do anything.
  const bool is_ruled = in_any_call || (!scopes.empty() && !returns);
  if (run_.options.rules_concern(entered.nr) && thread.process->started && is_ruled)
    parts_.tampering.choose(thread, entered, scopes, entry);
  if (is_wanted) {
    // Until its first exec it runs the tool's own code.
    if (thread.process->started) parts_.stacks.take(thread, stop);
    parts_.scopes.report_calls(thread, scopes, ReportedFor::Syscall);
    // Of a handler that longjmp has left, only the call that it had interrupted knows.
    entry.syscall.in_signal = in_any_call ? !thread.handlers.empty() : thread.calls.is_in_handler();
    const BackendVerdict verdict = run_.pipeline.syscall_enter(thread.source(), entry.syscall);
    if (thread.process->started && is_ruled) Tampering::decide(verdict, entry);
  }
  if (returns && !in_any_call && entry.syscall.reported)
    run_.pipeline.syscall_ended(thread.source(), entry.syscall);
  if (returns) parts_.interruptions.on_sigreturn(thread, entered.sp);
  if (returns && !in_any_call) return Begun::Returns;
  // Without the shim, nobody has taken the gate's signals for something else.
  if (!in_any_call || thread.process->table != nullptr)
    parts_.signal_calls.on_entry(stop, thread, entry);
  if (entry.tampered.action != nullptr) parts_.tampering.on_entry(stop, thread, entered, entry);
  parts_.scopes.push_inflight(thread, std::move(entry));
  return Begun::Goes;
}

bool SyscallEvents::resumes(const StoppedThread& stop, Thread& thread,
                            const EnteredSyscall& entered) {
  if (!Interruptions::resumes(thread, entered.sp, entered.ip, entered.nr)) return false;
  // What the first entry had changed was taken back for the signal.
  if (!thread.inflight.back().signals.watched)
    parts_.signal_calls.on_entry(stop, thread, thread.inflight.back());
  return true;
}

void SyscallEvents::finish(const StoppedThread& stop, Thread& thread, Inflight& done, int64_t ret) {
  constexpr int64_t kMaxErrno = 4095;
  parts_.signal_calls.on_exit(stop, thread, done, ret);
  if (done.tampered.action != nullptr) ret = parts_.tampering.on_exit(stop, thread, done, ret);
  if (ret < 0 && ret >= -kMaxErrno)
    for (BreakScope& one : thread.breaks) one.last_error = static_cast<int32_t>(-ret);
  if (done.syscall.reported)
    run_.pipeline.syscall_exit(thread.source(), done.syscall, ret, TickClock::now());
}

}  // namespace wc

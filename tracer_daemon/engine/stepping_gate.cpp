// PTRACE_SYSCALL stops: gates `socket` and `trap` while a scope is open, children that share their
// parent's memory, and clone under gate `dispatch`.
//
// The shim's own syscalls are recognised by their instruction pointer and never reported.
#include <sys/syscall.h>

#include <algorithm>
#include <utility>

#include "signals/interruption.h"
#include "engine/tracer.h"

namespace wc {

void Tracer::on_syscall_stop(StoppedThread stop, Thread& thread) {
  StoppedThread::SyscallInfo info;
  if (!stop.syscall_info(info)) return resume(std::move(stop), thread);
  bool is_entry = info.kind == StoppedThread::SyscallInfo::Kind::Entry;
  if (!is_entry && std::exchange(thread.begins, false)) on_first_code(stop, thread);
  if (thread.awaits_bell && thread.process->shim.issues(info.ip) && !is_entry) {
    thread.in_syscall = false;
    return on_interrupted(std::move(stop), thread);
  }
  if (thread.wait.own_stops) return on_shortened_stop(std::move(stop), thread, info);
  if (is_entry) {
    thread.in_syscall = true;
    if (options_.whole_process)
      on_any_entry(stop, thread, info);
    else
      on_syscall_entry(stop, thread, info);
  } else if (thread.in_syscall) {
    thread.in_syscall = false;
    if (options_.whole_process)
      on_any_exit(stop, thread, info);
    else
      on_syscall_exit(stop, thread, info);
  }
  resume(std::move(stop), thread);
}

void Tracer::on_syscall_entry(const StoppedThread& stop, Thread& thread,
                              const StoppedThread::SyscallInfo& info) {
  thread.ignore_exit = true;
  if (is_of_a_probe(info.nr)) return;
  if (is_shims_own(*thread.process, info.ip)) return;
  drain(thread, info.sp);
  if (info.nr == SYS_rt_sigreturn) end_handler_call(thread, info.sp);
  auto scopes = live_scopes(thread, info.sp);
  if (scopes.empty()) {
    drop_missing(thread, {});
    return;
  }
  auto nr = static_cast<uint32_t>(info.nr);
  thread.ignore_exit = false;
  if (resumes_interrupted(thread, info.sp, info.ip, nr)) return;
  Inflight entry;
  entry.sp = info.sp;
  entry.ip = info.ip;
  entry.syscall.nr = nr;
  if (has_time_limit(nr)) entry.since = TickClock::now();
  std::copy(std::begin(info.args), std::end(info.args), entry.syscall.args);
  if (nr == SYS_rt_sigreturn) entry.syscall.args[0] = info.sp;  // it has no arguments, but a frame
  if (pipeline_.reports(nr) && is_reported(thread)) {
    take_stack(thread, stop);
    report_calls(thread, scopes, true);
    entry.syscall.in_signal = !thread.handlers.empty();
    pipeline_.syscall_enter(thread.source(), entry.syscall);
  }
  if (nr == SYS_rt_sigreturn) {
    if (entry.syscall.reported) pipeline_.syscall_ended(thread.source(), entry.syscall);
    on_sigreturn(thread, info.sp);
    thread.ignore_exit = true;
    return;
  }
  on_signal_call(stop, thread, entry);
  push_inflight(thread, std::move(entry));
}

void Tracer::on_syscall_exit(StoppedThread& stop, Thread& thread,
                             const StoppedThread::SyscallInfo& info) {
  auto& inflight = thread.inflight;
  if (!thread.ignore_exit && !inflight.empty()) {
    if (is_restart(info.ret) || issue_in_time(stop, thread, info.ret)) {
      inflight.back().interrupted = true;
    } else {
      restore_limit(stop, thread);
      Inflight done = std::move(inflight.back());
      inflight.pop_back();
      on_signal_call_exit(stop, thread, done, info.ret);
      if (info.ret < 0 && info.ret >= -4095)
        for (BreakScope& one : thread.breaks) one.last_error = static_cast<int32_t>(-info.ret);
      if (done.syscall.reported)
        pipeline_.syscall_exit(thread.source(), done.syscall, info.ret, TickClock::now());
    }
  }
  // On its way there it may have been sent through the shim (ignored_signals.cpp).
  if (thread.step_back && !thread.process->shim.issues(info.ip)) {
    thread.step_back = false;
    thread.armed = false;
    // Still inside the call that made the child, unless that was left meanwhile.
    if (!wrapped_scopes(thread, info.sp).empty() && !set_selector(stop, thread, Selector::Block))
      say_unwritable(*thread.process);
    return;
  }
  if (thread.step_back || thread.shares.active || !wrapped_scopes(thread, info.sp).empty()) return;
  // No scope is left (longjmp): disarm, here where it is allowed. A thread on its way into or out
  // of a scope is in the shim and rings again.
  if (thread.process->shim.issues(info.ip)) return;
  if (ProcessShare* share = share_of(thread)) {
    auto slot = static_cast<uint32_t>(thread.slot);
    share->set_depth(slot, 0);
    share->slot(slot).gate_open = 0;
    thread.armed = false;
  }
}

}  // namespace wc

#include "gates/stepping_gate.h"

#include <algorithm>
#include <utility>

#include "tracee/resume.h"

namespace wc {

void SteppingGate::on_entry(const StoppedThread& stop, Thread& thread,
                            const StoppedThread::SyscallInfo& info) {
  thread.ignore_exit = true;
  if (is_of_a_probe(info.nr) || parts_.shim.is_shims_own(*thread.process, info.ip)) return;
  const EnteredSyscall entered = EnteredSyscall::of(info);
  auto scopes = parts_.syscalls.look(thread, entered);
  if (scopes.empty()) return parts_.scopes.drop_missing(thread, {});
  thread.ignore_exit = false;
  if (parts_.interruptions.resumes(thread, entered.sp, entered.ip, entered.nr)) return;
  thread.ignore_exit =
      parts_.syscalls.begin(stop, thread, entered, scopes) == SyscallEvents::Begun::Returns;
}

void SteppingGate::on_exit(StoppedThread& stop, Thread& thread,
                           const StoppedThread::SyscallInfo& info) {
  if (!thread.ignore_exit && !thread.inflight.empty()) finish_last(stop, thread, info.ret);
  // On its way there it may have been sent through the shim (signals/gate_signals.h).
  if (thread.step_back && !thread.process->shim.issues(info.ip)) {
    thread.step_back = false;
    thread.armed = false;
    // Still inside the call that made the child, unless that was left meanwhile.
    if (!parts_.scopes.wrapped(thread, info.sp).empty() &&
        !parts_.selector.set(stop, thread, Selector::Block))
      parts_.selector.say_unwritable(*thread.process);
    return;
  }
  if (!thread.step_back && !thread.shares.active) disarm_without_scopes(thread, info);
}

void SteppingGate::finish_last(StoppedThread& stop, Thread& thread, int64_t ret) {
  auto& inflight = thread.inflight;
  if (is_restart(ret) || parts_.time_limits.issue_in_time(stop, thread, ret)) {
    inflight.back().interrupted = true;
    return;
  }
  TimeLimits::restore(stop, thread);
  Inflight done = std::move(inflight.back());
  inflight.pop_back();
  parts_.syscalls.finish(stop, thread, done, ret);
}

// No scope is left (longjmp): disarm, here where it is allowed. A thread on its way into or out of
// a scope is in the shim and rings again.
void SteppingGate::disarm_without_scopes(Thread& thread, const StoppedThread::SyscallInfo& info) {
  if (!parts_.scopes.wrapped(thread, info.sp).empty()) return;
  if (thread.process->shim.issues(info.ip)) return;
  ProcessShare* share = thread.share();
  if (share == nullptr) return;
  share->view(thread.slot_index()).set_depth(0);
  share->slot(thread.slot_index()).gate_open = 0;
  thread.armed = false;
}

}  // namespace wc

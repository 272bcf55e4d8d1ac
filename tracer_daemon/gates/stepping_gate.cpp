#include "gates/stepping_gate.h"

#include <algorithm>
#include <utility>

#include "tracee/resume.h"

namespace wc {

SyscallPosition SteppingGate::on_entry(const StoppedThread& stop, Thread& thread,
                                       const StoppedThread::SyscallInfo& info) {
  if (is_of_a_probe(info.nr) || parts_.shim.is_shims_own(*thread.process, info.ip))
    return SyscallPosition::Unwatched;
  const EnteredSyscall entered = EnteredSyscall::of(info);
  auto scopes = parts_.syscalls.look(thread, entered);
  if (scopes.empty()) {
    parts_.scopes.drop_missing(thread, {});
    return SyscallPosition::Unwatched;
  }
  const bool goes =
      parts_.syscalls.resumes(stop, thread, entered) ||
      parts_.syscalls.begin(stop, thread, entered, scopes) == SyscallEvents::Begun::Goes;
  return goes ? SyscallPosition::Watched : SyscallPosition::Unwatched;
}

void SteppingGate::on_exit(StoppedThread& stop, Thread& thread,
                           const StoppedThread::SyscallInfo& info, SyscallPosition was) {
  if (was == SyscallPosition::Watched && !thread.inflight.empty())
    finish_last(stop, thread, info.ret);
  // On its way there it may have been sent through the shim (signals/gate_signals.h).
  const bool is_one = thread.watch == SyscallWatch::OneSyscall;
  if (is_one && !thread.process->shim.issues(info.ip)) {
    thread.watch = SyscallWatch::None;
    // Still inside the call that made the child, unless that was left meanwhile.
    if (!parts_.scopes.wrapped(thread, info.sp).empty() &&
        !parts_.selector.set(stop, thread, Selector::Block))
      parts_.selector.say_unwritable(*thread.process);
    return;
  }
  if (!is_one && !thread.shares.active) disarm_without_scopes(thread, info);
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
  thread.watch = SyscallWatch::None;
}

}  // namespace wc

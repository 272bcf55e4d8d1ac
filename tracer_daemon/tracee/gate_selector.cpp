#include "tracee/gate_selector.h"

#include <linux/prctl.h>
#include <sys/syscall.h>

#include <utility>

#include "kernel/remote_syscall.h"

namespace wc {

// The selector is a byte of the thread's own memory. Where that cannot be written (a program that
// has made itself undumpable, a tracer without CAP_SYS_PTRACE), dispatch as a whole is switched.
bool GateSelector::set(StoppedThread& stop, Thread& thread, Selector value) {
  ProcessShare* share = thread.share();
  if (share == nullptr) return false;
  uint64_t at = share->slot(thread.slot_index()).selector;
  bool is_written = thread.process->memory.write({at}, &value, sizeof value);
  if (is_written && !thread.dispatch_off) return true;
  return set_dispatch(stop, thread, value);
}

bool GateSelector::set_dispatch(StoppedThread& stop, Thread& thread, Selector value) {
  const ShimAddresses& shim = thread.process->shim;
  StoppedThread::Dispatch dispatch;
  if (value == Selector::Block) {
    uint64_t selector = thread.process->share.get()->slot(thread.slot_index()).selector;
    dispatch = shim.dispatch(selector);
  }
  bool done = stop.set_dispatch(dispatch) ||
              run_syscall(stop, thread.process->memory, SYS_prctl,
                          {PR_SET_SYSCALL_USER_DISPATCH, dispatch.mode, dispatch.exempt_begin,
                           dispatch.exempt_size, dispatch.selector, 0},
                          shim.place())
                  .ok();
  if (done) thread.dispatch_off = value == Selector::Allow;
  return done;
}

void GateSelector::say_unwritable(Process& process) const {
  if (std::exchange(process.said_unwritable, true)) return;
  run_.say(0, "process " + std::to_string(process.pid) +
                  ": its memory cannot be written; a syscall of it fails with EAGAIN: use -g trap");
}

}  // namespace wc

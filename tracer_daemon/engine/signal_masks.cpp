// Keeps SIGSYS and SIGTRAP deliverable without the program noticing.
//
// The gates stop threads by these two signals, which the kernel forces: it unblocks a blocked one
// and forgets its handler. So they are taken out of the masks that a program sets inside its
// calls, remembered, and put back into the masks that it reads. Likewise the shim's own handlers
// are not shown to a program that asks for the old action.
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/signal_bit.h"
#include "engine/tracer.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

namespace wc {
namespace {

// The kernel takes an int; what stands above it in the register is nothing.
int int_of(uint64_t argument) { return static_cast<int>(argument); }

// `ours`: the gate's signals.
uint64_t hidden_after(uint64_t hidden, uint64_t how, uint64_t set, uint64_t ours) {
  switch (int_of(how)) {
    case SIG_BLOCK:
      return hidden | (set & ours);
    case SIG_UNBLOCK:
      return hidden & ~set;
    case SIG_SETMASK:
      return set & ours;
    default:
      return hidden;  // the kernel will refuse it
  }
}

bool is_seccomp(const PendingSyscall& syscall) {
  return syscall.nr == SYS_seccomp ||
         (syscall.nr == SYS_prctl && int_of(syscall.args[0]) == PR_SET_SECCOMP);
}

}  // namespace

void Tracer::on_signal_call(const StoppedThread& stop, Thread& thread, Inflight& entry) {
  const uint64_t* args = entry.syscall.args;
  SignalCall& call = entry.signals;
  if (gate_of(*thread.process) == WC_GATE_SOCKET) {  // its stops come without a signal
    call.watched = is_seccomp(entry.syscall);
    return;
  }
  if (entry.syscall.nr == SYS_rt_sigaction) return on_action_call(stop, thread, entry);
  if (entry.syscall.nr == SYS_prctl && int_of(args[0]) == PR_SET_SYSCALL_USER_DISPATCH) {
    call.watched = true;
    return;
  }
  if (entry.syscall.nr != SYS_rt_sigprocmask || args[3] != sizeof(uint64_t)) return;
  ProcessMemory& memory = thread.process->memory;
  const uint64_t ours = gate_signals(*thread.process);
  uint64_t set = 0;
  bool has_set = args[1] != 0 && memory.read_all({args[1]}, &set, sizeof set);
  call.hidden_after =
      has_set ? hidden_after(thread.hidden_mask, args[0], set, ours) : thread.hidden_mask;
  call.watched = thread.hidden_mask != 0 || call.hidden_after != 0;
  if (!has_set || (set & ours) == 0 || int_of(args[0]) == SIG_UNBLOCK) return;
  set &= ~ours;
  replace_argument(stop, thread, entry, &set, sizeof set);
}

// The mask that is in force while a handler runs is the action's; there, too, a stop of ours would
// be forced, and the program would not outlive the tracer's death.
void Tracer::on_action_call(const StoppedThread& stop, Thread& thread, Inflight& entry) {
  const uint64_t* args = entry.syscall.args;
  wc_action action{};
  bool has_action =
      args[1] != 0 && thread.process->memory.read_all({args[1]}, &action, sizeof action);
  SignalCall& call = entry.signals;
  const uint64_t ours = gate_signals(*thread.process);
  const int signal = int_of(args[0]);
  if (signal <= 0 || signal > static_cast<int>(kSignals) || args[3] != sizeof(uint64_t)) return;
  uint64_t hidden = thread.process->hidden_action_masks[static_cast<size_t>(signal)];
  call.hidden_after = has_action ? action.mask & ours : hidden;
  bool is_ours = is_of_gate(*thread.process, signal);
  call.action = action;
  // While a handler of its own for one of our signals runs, that signal would be blocked.
  call.adds_nodefer =
      has_action && is_ours && action.handler > kSigIgn && (action.flags & SA_NODEFER) == 0;
  call.watched = hidden != 0 || call.hidden_after != 0 || is_ours;
  // The shim's handler does what the default does, and the program is to outlive the tracer.
  ProcessShare* share = share_of(thread);
  if (has_action && must_not_tell(*thread.process, signal, action) && share != nullptr &&
      share->header().orphan.handler != 0) {
    action = share->header().orphan;
    return replace_argument(stop, thread, entry, &action, sizeof action);
  }
  if (!has_action || ((action.mask & ours) == 0 && !call.adds_nodefer)) return;
  action.mask &= ~ours;
  if (call.adds_nodefer) action.flags |= SA_NODEFER;
  replace_argument(stop, thread, entry, &action, sizeof action);
}

// The second argument points to a changed copy while the syscall runs: in the thread's slot, or on
// its stack where it has none yet.
void Tracer::replace_argument(const StoppedThread& stop, Thread& thread, Inflight& entry,
                              const void* bytes, size_t size) {
  SignalCall& call = entry.signals;
  uint64_t copy = 0;
  if (ProcessShare* share = share_of(thread)) {
    auto slot = static_cast<uint32_t>(thread.slot);
    static_assert(sizeof(wc_action) <= sizeof(wc_slot::scratch));
    std::memcpy(share->slot(slot).scratch, bytes, size);
    copy = share->address_of(slot) + offsetof(wc_slot, scratch);
  } else {
    copy = entry.sp - kBelowRedZone;
    if (!call.place.overwrite(thread.process->memory, {copy}, bytes, size)) return;
  }
  user_regs_struct regs{};
  if (!stop.registers(regs)) return;
  regs.rsi = copy;
  call.replaced = stop.set_registers(regs);
  call.own_set = entry.syscall.args[1];
}

// From now on the shim leaves masks and actions to the tracer.
void Tracer::tell_of_hidden_signals(Thread& thread) const {
  const auto& actions = thread.process->hidden_action_masks;
  ProcessShare* share = share_of(thread);
  if (share == nullptr) return;
  if (thread.hidden_mask != 0 ||
      std::any_of(actions.begin(), actions.end(), [](uint64_t mask) { return mask != 0; }))
    __atomic_store_n(&share->header().hides_signals, 1u, __ATOMIC_RELEASE);
}

// The program has taken Syscall User Dispatch for itself, or switched it off: this thread's gate is
// gone.
void Tracer::on_own_dispatch(Thread& thread, uint64_t mode) {
  constexpr uint64_t kOff = 0;
  thread.own_dispatch = mode != kOff;
  if (gate_of(*thread.process) == WC_GATE_DISPATCH)
    say(1, "thread " + std::to_string(thread.tid) +
               " uses Syscall User Dispatch itself; its calls are not seen any more: use -g trap");
}

// What the kernel has written there shows our changes.
void Tracer::say_untold(Process& process) const {
  if (std::exchange(process.told_unwritable, true)) return;
  say(1, "process " + std::to_string(process.pid) +
             ": its memory cannot be written; it reads a signal mask or action without SIGSYS and "
             "SIGTRAP");
}

void Tracer::on_signal_call_exit(const StoppedThread& stop, Thread& thread, const Inflight& done,
                                 int64_t ret) {
  if (!done.signals.watched) return;
  const uint64_t* args = done.syscall.args;
  ProcessMemory& memory = thread.process->memory;
  done.signals.place.put_back(memory);
  if (done.signals.replaced) {
    user_regs_struct regs{};
    if (stop.registers(regs)) {
      regs.rsi = done.signals.own_set;
      (void)stop.set_registers(regs);  // where this fails the thread is dying
    }
  }
  if (ret != 0) return;
  if (is_seccomp(done.syscall))
    return say(1,
               "process " + std::to_string(thread.process->pid) +
                   " filters its syscalls; what it forbids the gate's messages, too, may fail or "
                   "kill it: use -g dispatch");
  if (done.syscall.nr == SYS_prctl) return on_own_dispatch(thread, args[1]);
  if (done.syscall.nr == SYS_rt_sigaction) {
    const int signal = int_of(args[0]);
    uint64_t& hidden = thread.process->hidden_action_masks[static_cast<size_t>(signal)];
    wc_action old{};
    if (args[2] != 0 && memory.read_all({args[2]}, &old, sizeof old)) {
      old.mask |= hidden;
      if ((thread.process->added_nodefer & signal_bit(signal)) != 0)
        old.flags &= ~static_cast<uint64_t>(SA_NODEFER);
      if (in_shim(*thread.process, old.handler)) old = {};
      show_ignored(*thread.process, signal, old);
      if (!memory.write({args[2]}, &old, sizeof old)) say_untold(*thread.process);
    }
    hidden = done.signals.hidden_after;
    if (args[1] != 0) {
      uint64_t& added = thread.process->added_nodefer;
      added &= ~signal_bit(signal);
      if (done.signals.adds_nodefer) added |= signal_bit(signal);
      note_action(thread, signal, done.signals.action);
    }
    return tell_of_hidden_signals(thread);
  }
  uint64_t old = 0;
  if (thread.hidden_mask != 0 && args[2] != 0 && memory.read_all({args[2]}, &old, sizeof old)) {
    old |= thread.hidden_mask;
    if (!memory.write({args[2]}, &old, sizeof old)) say_untold(*thread.process);
  }
  thread.hidden_mask = done.signals.hidden_after;
  if (thread.hidden_mask != 0) (void)stop.signal_mask(thread.mask_beside);
  tell_of_hidden_signals(thread);
}

}  // namespace wc

#include "signals/signal_calls.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/signal_bit.h"
#include "signals/gate_signals.h"
#include "tracee/shim_memory.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

namespace wc {
namespace {

// The kernel takes an int; what stands above it in the register is nothing.
int int_of(uint64_t argument) { return static_cast<int>(argument); }

// `forced`: the gate's signals.
uint64_t hidden_after(uint64_t hidden, uint64_t how, uint64_t set, uint64_t forced) {
  switch (int_of(how)) {
    case SIG_BLOCK:
      return hidden | (set & forced);
    case SIG_UNBLOCK:
      return hidden & ~set;
    case SIG_SETMASK:
      return set & forced;
    default:
      return hidden;  // the kernel will refuse it
  }
}

bool is_seccomp(const PendingSyscall& syscall) {
  return syscall.nr == SYS_seccomp ||
         (syscall.nr == SYS_prctl && int_of(syscall.args[0]) == PR_SET_SECCOMP);
}

}  // namespace

void SignalCalls::on_entry(const StoppedThread& stop, Thread& thread, Inflight& entry) const {
  const uint64_t* args = entry.syscall.args;
  SignalCall& call = entry.signals;
  if (thread.process->gate_in_force() == WC_GATE_SOCKET) {  // its stops come without a signal
    call.watched = is_seccomp(entry.syscall);
    return;
  }
  if (entry.syscall.nr == SYS_rt_sigaction) return on_action_entry(stop, thread, entry);
  if (entry.syscall.nr == SYS_prctl && int_of(args[0]) == PR_SET_SYSCALL_USER_DISPATCH) {
    call.watched = true;
    return;
  }
  if (entry.syscall.nr != SYS_rt_sigprocmask || args[3] != sizeof(uint64_t)) return;
  ProcessMemory& memory = thread.process->memory;
  const uint64_t forced = signals_of_gate(*thread.process);
  uint64_t set = 0;
  bool has_set = args[1] != 0 && memory.read_all({args[1]}, &set, sizeof set);
  call.hidden_after =
      has_set ? hidden_after(thread.hidden_mask, args[0], set, forced) : thread.hidden_mask;
  call.watched = thread.hidden_mask != 0 || call.hidden_after != 0;
  if (!has_set || (set & forced) == 0 || int_of(args[0]) == SIG_UNBLOCK) return;
  set &= ~forced;
  replace_argument(stop, thread, entry, &set, sizeof set);
}

// The mask that is in force while a handler runs is the action's; there, too, a stop of the gate
// would be forced, and the program would not outlive the tracer's death.
void SignalCalls::on_action_entry(const StoppedThread& stop, Thread& thread, Inflight& entry) {
  const uint64_t* args = entry.syscall.args;
  wc_action action{};
  bool has_action =
      args[1] != 0 && thread.process->memory.read_all({args[1]}, &action, sizeof action);
  SignalCall& call = entry.signals;
  const uint64_t forced = signals_of_gate(*thread.process);
  const int signal = int_of(args[0]);
  if (signal <= 0 || signal > static_cast<int>(kSignals) || args[3] != sizeof(uint64_t)) return;
  uint64_t hidden = thread.process->hidden_action_masks[static_cast<size_t>(signal)];
  call.hidden_after = has_action ? action.mask & forced : hidden;
  bool is_ours = is_of_gate(*thread.process, signal);
  call.action = action;
  // While a handler of its own for one of these signals runs, that signal would be blocked.
  call.adds_nodefer =
      has_action && is_ours && action.handler > kSigIgn && (action.flags & SA_NODEFER) == 0;
  call.watched = hidden != 0 || call.hidden_after != 0 || is_ours;
  // The shim's handler does what the default does, and the program is to outlive the tracer.
  ProcessShare* share = thread.share();
  if (has_action && gate_signals::must_be_kept(*thread.process, signal, action) &&
      share != nullptr && share->header().orphan.handler != 0) {
    action = share->header().orphan;
    return replace_argument(stop, thread, entry, &action, sizeof action);
  }
  if (!has_action || ((action.mask & forced) == 0 && !call.adds_nodefer)) return;
  action.mask &= ~forced;
  if (call.adds_nodefer) action.flags |= SA_NODEFER;
  replace_argument(stop, thread, entry, &action, sizeof action);
}

// The second argument points to a changed copy while the syscall runs: in the thread's slot, or on
// its stack where it has none yet.
void SignalCalls::replace_argument(const StoppedThread& stop, Thread& thread, Inflight& entry,
                                   const void* bytes, size_t size) {
  SignalCall& call = entry.signals;
  uint64_t copy = 0;
  if (ProcessShare* share = thread.share()) {
    auto slot = thread.slot_index();
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

void SignalCalls::take_back(Thread& thread, Inflight& entry, user_regs_struct& regs) {
  const SignalCall call = std::exchange(entry.signals, {});
  call.place.put_back(thread.process->memory);
  if (call.replaced) regs.rsi = call.own_set;
}

void SignalCalls::publish_hidden(Thread& thread) {
  const auto& actions = thread.process->hidden_action_masks;
  ProcessShare* share = thread.share();
  if (share == nullptr) return;
  if (thread.hidden_mask != 0 ||
      std::any_of(actions.begin(), actions.end(), [](uint64_t mask) { return mask != 0; }))
    __atomic_store_n(&share->header().hides_signals, 1u, __ATOMIC_RELEASE);
}

// The program has taken Syscall User Dispatch for itself, or switched it off: this thread's gate is
// gone.
void SignalCalls::on_own_dispatch(Thread& thread, uint64_t mode) const {
  constexpr uint64_t kOff = 0;
  thread.own_dispatch = mode != kOff;
  if (thread.process->gate_in_force() == WC_GATE_DISPATCH)
    run_.say(
        1, "thread " + std::to_string(thread.tid) +
               " uses Syscall User Dispatch itself; its calls are not seen any more: use -g trap");
}

// What the kernel has written there shows what the tracer has changed.
void SignalCalls::say_shown(Process& process) const {
  if (std::exchange(process.said_unwritable, true)) return;
  run_.say(
      1, "process " + std::to_string(process.pid) +
             ": its memory cannot be written; it reads a signal mask or action without SIGSYS and "
             "SIGTRAP");
}

void SignalCalls::on_exit(const StoppedThread& stop, Thread& thread, const Inflight& done,
                          int64_t ret) const {
  if (!done.signals.watched) return;
  done.signals.place.put_back(thread.process->memory);
  if (done.signals.replaced) {
    user_regs_struct regs{};
    if (stop.registers(regs)) {
      regs.rsi = done.signals.own_set;
      (void)stop.set_registers(regs);  // where this fails the thread is dying
    }
  }
  if (ret != 0) return;
  if (is_seccomp(done.syscall))
    return run_.say(1, "process " + std::to_string(thread.process->pid) +
                           " filters its syscalls; what it forbids the gate's messages, too, may "
                           "fail or kill it: use -g dispatch");
  if (done.syscall.nr == SYS_prctl) return on_own_dispatch(thread, done.syscall.args[1]);
  if (done.syscall.nr == SYS_rt_sigaction)
    on_action_exit(thread, done);
  else
    on_mask_exit(stop, thread, done);
  publish_hidden(thread);
}

void SignalCalls::on_action_exit(Thread& thread, const Inflight& done) const {
  const uint64_t* args = done.syscall.args;
  Process& process = *thread.process;
  const int signal = int_of(args[0]);
  uint64_t& hidden = process.hidden_action_masks[static_cast<size_t>(signal)];
  wc_action old{};
  if (args[2] != 0 && process.memory.read_all({args[2]}, &old, sizeof old)) {
    old.mask |= hidden;
    if ((process.added_nodefer & signal_bit(signal)) != 0)
      old.flags &= ~static_cast<uint64_t>(SA_NODEFER);
    if (in_shim(process, old.handler)) old = {};
    gate_signals::show_ignored(process, signal, old);
    if (!process.memory.write({args[2]}, &old, sizeof old)) say_shown(process);
  }
  hidden = done.signals.hidden_after;
  if (args[1] == 0) return;
  process.added_nodefer &= ~signal_bit(signal);
  if (done.signals.adds_nodefer) process.added_nodefer |= signal_bit(signal);
  gate_signals::note_action(thread, signal, done.signals.action);
}

void SignalCalls::on_mask_exit(const StoppedThread& stop, Thread& thread,
                               const Inflight& done) const {
  const uint64_t at = done.syscall.args[2];
  ProcessMemory& memory = thread.process->memory;
  uint64_t old = 0;
  if (thread.hidden_mask != 0 && at != 0 && memory.read_all({at}, &old, sizeof old)) {
    old |= thread.hidden_mask;
    if (!memory.write({at}, &old, sizeof old)) say_shown(*thread.process);
  }
  thread.hidden_mask = done.signals.hidden_after;
  if (thread.hidden_mask != 0) (void)stop.signal_mask(thread.mask_beside);
}

}  // namespace wc

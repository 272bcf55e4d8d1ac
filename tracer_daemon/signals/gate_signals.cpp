#include "signals/gate_signals.h"

#include <linux/audit.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "base/signal_bit.h"
#include "kernel/borrowed_memory.h"
#include "kernel/remote_syscall.h"
#include "signals/interruption.h"
#include "tracee/gate_selector.h"
#include "tracee/shim_memory.h"

namespace wc {
namespace {

constexpr int kSeccomp = 1;           // SYS_SECCOMP
constexpr int kUserDispatch = 2;      // SYS_USER_DISPATCH
constexpr uint64_t kSyscallSize = 2;  // 0f 05
constexpr std::array<uint8_t, kSyscallSize> kSyscallInstruction = {0x0f, 0x05};
constexpr uint64_t kTrapSize = 1;  // int3

size_t row_of(int signal) { return signal == SIGSYS ? WC_AGAIN_SIGSYS : WC_AGAIN_SIGTRAP; }

}  // namespace

uint64_t signals_of_gate(const Process& process) {
  const wc_gate gate = process.gate_in_force();
  if (gate == WC_GATE_SOCKET) return 0;
  return gate == WC_GATE_DISPATCH ? signal_bit(SIGSYS) | signal_bit(SIGTRAP) : signal_bit(SIGTRAP);
}

bool is_of_gate(const Process& process, int signal) {
  return (signal == SIGTRAP || signal == SIGSYS) &&
         (signals_of_gate(process) & signal_bit(signal)) != 0;
}

namespace gate_signals {
namespace {

bool ignores(const Process& process, int signal) {
  return process.ignored[row_of(signal)].handler == kSigIgn;
}

void remember_ignored(Thread& thread, int signal, const wc_action& action) {
  thread.process->ignored[row_of(signal)] = action;
  ProcessShare* share = thread.share();
  // A vfork child, on its parent's memory, has actions of its own.
  if (share != nullptr && (!thread.shares.active || action.handler == kSigIgn))
    share->header().ignored[row_of(signal)] = action;
}

// The kernel ignores the signal, or has the default action, which nobody has set: where the program
// has that the shim's handler stands there, which sets it when it is called. So the program has
// ignored the signal by a system call that nobody has seen; a gate of any thread may come at any
// moment and change the one into the other, so they are not told apart.
bool is_ignored_unseen(const Process& process, int signal) {
  if (!is_of_gate(process, signal) || process.shim.again.begin == 0 ||
      (process.handled & signal_bit(signal)) != 0)
    return false;
  return !has_handler(process.pid, signal);
}

// Whether the program believes that it has blocked the signal, which the kernel has not among those
// in `mask`. A mask that was set outside of calls (a new thread does that first of all) is what it
// is in the kernel.
bool is_hidden(Thread& thread, int signal, uint64_t mask) {
  if (thread.interrupted_masks.empty() &&
      ((mask ^ thread.mask_beside) & ~signals_of_gate(*thread.process)) != 0)
    thread.hidden_mask = 0;
  return (thread.hidden_mask & signal_bit(signal)) != 0;
}

}  // namespace

// The shim has looked before its first bell, which takes the ignoring away. A forked child of many
// threads has no more than its parent's word.
void learn_ignored(Process& process, wc_shared_header& header) {
  process.shim.again = header.again;
  for (int signal : {SIGTRAP, SIGSYS}) {
    const size_t row = row_of(signal);
    if (is_of_gate(process, signal) && header.ignored[row].handler == kSigIgn)
      process.ignored[row] = header.ignored[row];
    header.ignored[row] = process.ignored[row];
  }
  process.publish_thread_count();
}

// The program has set an action. How it ignores is the shim's to know, which will set it again.
void note_action(Thread& thread, int signal, const wc_action& action) {
  if (!is_of_gate(*thread.process, signal)) return;
  remember_ignored(thread, signal, action.handler == kSigIgn ? action : wc_action{});
}

// How the program asks for it to be ignored: the shim's handler does as much.
bool must_be_kept(const Process& process, int signal, const wc_action& action) {
  return is_of_gate(process, signal) &&
         (action.handler == 0 || (action.handler == kSigIgn && process.threads > 1));
}

// What the program is to find where it asks for an action.
void show_ignored(const Process& process, int signal, wc_action& old) {
  const bool is_changed = old.handler == 0 || old.handler == kSigIgn;
  if (is_of_gate(process, signal) && is_changed && ignores(process, signal))
    old = process.ignored[row_of(signal)];
}

// In front of an exec, which hands on what is ignored.
void look_for_ignored(Thread& thread) {
  for (int signal : {SIGTRAP, SIGSYS})
    if (!ignores(*thread.process, signal) && is_ignored_unseen(*thread.process, signal))
      remember_ignored(thread, signal, {kSigIgn, 0, 0, 0});
}

// Where the thread is to be sent so that it comes to `ip`. Towards an exec also where there are
// other threads, which it ends.
uint64_t by_way_of(Thread& thread, uint64_t ip, Towards what) {
  const Process& process = *thread.process;
  ProcessShare* share = thread.share();
  const bool any = ignores(process, SIGTRAP) || ignores(process, SIGSYS);
  const bool may = process.threads == 1 || what == Towards::Exec;
  if (!any || !may || share == nullptr || process.shim.again.begin == 0) return ip;
  wc_slot& slot = share->slot(thread.slot_index());
  slot.again_sigtrap = ignores(process, SIGTRAP) ? SIGTRAP : 0;
  slot.again_sigsys = ignores(process, SIGSYS) ? SIGSYS : 0;
  slot.again_next = ip;
  return process.shim.again.begin;
}

// A forked child of many threads, at its first stop: it is alone, and may exec before anything of
// it is seen.
void ignore_in_child(StoppedThread& stop, Thread& child) {
  ProcessMemory& memory = child.process->memory;
  for (int signal : {SIGTRAP, SIGSYS}) {
    const wc_action& action = child.process->ignored[row_of(signal)];
    user_regs_struct regs{};
    if (action.handler != kSigIgn || !stop.registers(regs)) continue;
    const uint64_t at = regs.rsp - kBelowRedZone;
    BorrowedMemory room(memory, {at}, &action, sizeof action);
    // Where this fails the child is dying.
    if (room.ok())
      (void)run_syscall(stop, memory, SYS_rt_sigaction,
                        {static_cast<uint64_t>(signal), at, 0, sizeof(uint64_t), 0, 0},
                        child.process->shim.place());
  }
}

// A signal comes while it is on its way there: as if it had not set out, or had arrived. True: it
// was on its way, and the registers are changed.
bool leave_way(Thread& thread, user_regs_struct& regs) {
  const wc_again& way = thread.process->shim.again;
  ProcessShare* share = thread.share();
  if (share == nullptr || regs.rip < way.begin || regs.rip >= way.end) return false;
  const wc_slot& slot = share->slot(thread.slot_index());
  if (regs.rip >= way.kept && regs.rip < way.restored) {
    regs.rdi = slot.again_kept[0];
    regs.rsi = slot.again_kept[1];
    regs.rdx = slot.again_kept[2];
    regs.r10 = slot.again_kept[3];
    regs.rax = slot.again_kept[4];
  }
  thread.left_way = true;
  regs.rip = regs.rcx = slot.again_next;
  regs.orig_rax = ~0ull;
  return true;
}

// No handler runs now, whose end would lead through the gate: the thread sets out once more.
void set_out_again(const StoppedThread& stop, Thread& thread, int signal,
                   const user_regs_struct& regs) {
  if (!std::exchange(thread.left_way, false) || has_handler(thread.process->pid, signal)) return;
  (void)stop.set_ip(by_way_of(thread, regs.rip));  // where this fails the thread is dying
}

// Somebody has sent it, and the program ignores it, by the last that is known. A child of its will
// ignore it too, whatever the gates of its threads leave in the kernel until then.
bool is_dropped(Thread& thread, const siginfo_t& info) {
  const Process& process = *thread.process;
  const int signal = info.si_signo;
  if (info.si_code > 0 || !is_of_gate(process, signal)) return false;
  if (ignores(process, signal)) return !has_handler(process.pid, signal);
  if (!is_ignored_unseen(process, signal)) return false;
  remember_ignored(thread, signal, {kSigIgn, 0, 0, 0});
  return true;
}

// Somebody has sent SIGSYS before the gate's came: of two that wait the kernel keeps the first, and
// the syscall would be passed over. In the thread's own code, with the gate shut, a syscall that
// was entered was dispatched. The sent one comes again, where it means something.
bool find_lost_dispatch(Thread& thread, const user_regs_struct& regs, siginfo_t& info) {
  const Process& process = *thread.process;
  ProcessShare* share = thread.share();
  const bool may_be = info.si_signo == SIGSYS && info.si_code <= 0 && share != nullptr &&
                      process.gate_in_force() == WC_GATE_DISPATCH &&
                      static_cast<int64_t>(regs.orig_rax) >= 0 &&
                      (regs.rip < process.shim.exempt_begin || regs.rip >= process.shim.exempt_end);
  if (!may_be) return false;
  const wc_slot& slot = share->slot(thread.slot_index());
  ProcessMemory& memory = thread.process->memory;
  auto selector = static_cast<uint8_t>(Selector::Allow);
  std::array<uint8_t, kSyscallSize> code{};
  if (!memory.read_all({slot.selector}, &selector, sizeof selector) ||
      selector != static_cast<uint8_t>(Selector::Block) ||
      !memory.read_all({regs.rip - kSyscallSize}, code.data(), code.size()) ||
      code != kSyscallInstruction)
    return false;
  if (!is_dropped(thread, info)) syscall(SYS_tgkill, process.pid, thread.tid, SIGSYS);
  info.si_code = kUserDispatch;
  info.si_syscall = static_cast<int>(regs.orig_rax);
  info.si_arch = AUDIT_ARCH_X86_64;
  return true;
}

// The kernel has forced a signal that the program has blocked: that ends a process. It is not
// blocked in the kernel, so the thread does it again with the mask that the program knows.
bool force_as_blocked(const StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                      const siginfo_t& info) {
  const int signal = info.si_signo;
  uint64_t mask = 0;
  if (!is_of_gate(*thread.process, signal) || thread.forced == signal || !stop.signal_mask(mask) ||
      !is_hidden(thread, signal, mask))
    return false;
  const bool is_seccomp = signal == SIGSYS && info.si_code == kSeccomp;
  const bool is_trap = signal == SIGTRAP && info.si_code == SI_KERNEL;
  if (!is_seccomp && !is_trap) return false;
  regs.rip -= is_seccomp ? kSyscallSize : kTrapSize;
  if (!stop.set_signal_mask(mask | signal_bit(signal)) || !stop.set_registers(regs)) return false;
  thread.forced = signal;
  return true;
}

// A handler for one of the two is about to run. The program's would run with its signal blocked:
// the next stop of a gate, or at a breakpoint, would take it away.
bool may_run_blocked(const Thread& thread, int signal) {
  const Process& process = *thread.process;
  const bool is_watched =
      (is_of_gate(process, signal) && process.shim.again.begin != 0) ||
      (signal == SIGTRAP && process.breaks != nullptr && !process.breaks->empty());
  return is_watched && has_handler(process.pid, signal);
}

// The thread stands at the handler's first instruction.
void on_handler(const StoppedThread& stop, Thread& thread, const user_regs_struct& regs) {
  const auto signal = static_cast<int>(regs.rdi);
  // orphan.c's, which blocks nothing: it drops what is ignored, and else sets the default action.
  const bool is_of_shim = in_shim(*thread.process, regs.rip);
  if (!is_of_shim || !ignores(*thread.process, signal))
    thread.process->handled |= signal_bit(signal);
  if (is_of_shim) return;
  uint64_t mask = 0, needed = signals_of_gate(*thread.process);
  if (thread.process->breaks != nullptr) needed |= signal_bit(SIGTRAP);
  if (!stop.signal_mask(mask) || (mask & needed) == 0) return;
  (void)stop.set_signal_mask(mask & ~needed);  // where this fails the thread is dying
  // Outside of calls nobody would see the handler's end.
  const uint64_t hidden = mask & signals_of_gate(*thread.process) & ~thread.hidden_mask;
  if (hidden == 0 || thread.handlers.empty()) return;
  thread.interrupted_masks.push_back({thread.handlers.back(), thread.hidden_mask});
  thread.hidden_mask |= hidden;
}

// What the handler learns of the syscall that a filter has refused: it was issued in the shim.
void correct_call_address(const StoppedThread& stop, siginfo_t& info,
                          const user_regs_struct& regs) {
  if (info.si_signo != SIGSYS || info.si_code != kSeccomp) return;
  info.si_call_addr = reinterpret_cast<void*>(regs.rip);
  (void)stop.set_siginfo(info);  // where this fails the thread is dying
}

}  // namespace gate_signals
}  // namespace wc

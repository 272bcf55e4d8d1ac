#include "gates/dispatch_gate.h"

#include <linux/audit.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "signals/gate_signals.h"
#include "tracee/resume.h"

namespace wc {
namespace {

constexpr uint64_t kSyscallSize = 2;  // 0f 05

// Their children start at the instruction behind the syscall, with another stack or no tracer:
// these run where the program issued them.
bool makes_a_child(uint64_t nr) {
  return nr == SYS_clone || nr == SYS_clone3 || nr == SYS_fork || nr == SYS_vfork;
}

bool is_exec(uint64_t nr) { return nr == SYS_execve || nr == SYS_execveat; }

// What the shim needs to send the thread back, where the tracer has died meanwhile.
void note_inflight(Thread& thread, const user_regs_struct& regs) {
  if (ProcessShare* share = thread.share())
    share->view(thread.slot_index()).note_inflight(regs.rsp, {regs.rip});
}

// Usually waits for somebody else, and for long: a stop at its end costs little then, and without
// one the tracer would have to look again and again whether it has come back.
bool waits_for_others(const PendingSyscall& syscall) {
  constexpr uint64_t kFutexCommand = 0x7f, kFutexWait = 0, kFutexWaitBitset = 9;
  const uint64_t futex_command = syscall.args[1] & kFutexCommand;
  switch (syscall.nr) {
    case SYS_futex:
      return futex_command == kFutexWait || futex_command == kFutexWaitBitset;
    case SYS_accept:
    case SYS_accept4:
    case SYS_clock_nanosleep:
    case SYS_connect:
    case SYS_flock:
    case SYS_nanosleep:
    case SYS_pause:
    case SYS_rt_sigsuspend:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_wait4:
    case SYS_waitid:
      return true;
    default:
      return false;
  }
}

}  // namespace

void DispatchGate::on_dispatched(StoppedThread stop, Thread& thread, user_regs_struct& regs,
                                 const siginfo_t& info) {
  const EnteredSyscall entered{regs.rsp,
                               regs.rip,
                               static_cast<uint32_t>(info.si_syscall),
                               {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9}};
  auto scopes = parts_.syscalls.look(thread, entered);
  if (run_.options.counts_stops()) count_stop(thread, entered, scopes);
  const bool is_wrapped = !parts_.scopes.wrapped(thread, regs.rsp).empty();
  if (!is_wrapped && leave_open_gate(stop, thread, regs)) return resume(std::move(stop), thread);
  if (is_exec(entered.nr)) gate_signals::look_for_ignored(thread);
  // In a call that was opened by a breakpoint, all syscalls are watched by stepping. `int $0x80` is
  // as long as `syscall`, but the gadget would take its number for another one. Rules and verdicts
  // need both of its stops.
  if (makes_a_child(entered.nr) || is_of_a_probe(entered.nr) || !thread.breaks.empty() ||
      info.si_arch != AUDIT_ARCH_X86_64 || run_.may_change(entered.nr))
    return step_back(std::move(stop), thread, regs);

  uint64_t pad = thread.process->shim.gadget;
  // Not wrapped: its gate could not be shut.
  if (!is_wrapped) scopes = {};
  if (parts_.syscalls.resumes(stop, thread, entered) ||
      parts_.syscalls.begin(stop, thread, entered, scopes) == SyscallEvents::Begun::Goes) {
    note_inflight(thread, regs);
    pad = choose_pad(thread, thread.inflight.back(), regs.eflags);
  }
  // The kernel has put the registers back to what they were before the syscall, rax included.
  const Towards what = is_exec(entered.nr) ? Towards::Exec : Towards::Any;
  if (stop.set_ip(gate_signals::by_way_of(thread, pad, what))) resume(std::move(stop), thread);
}

namespace {

// Whether a jump to a thunk stands in front of the site's syscall instruction (patch/site_patcher):
// the thunk has sent the thread back to it.
bool is_patched(Process& process, uint64_t behind) {
  constexpr size_t kMostMoved = 24, kJumpSize = 5;
  constexpr uint8_t kJump = 0xe9;
  std::array<uint8_t, kMostMoved> code{};
  const uint64_t from = behind - kSyscallSize - code.size();
  if (!process.memory.read_all({from}, code.data(), code.size())) return false;
  for (size_t i = 0; i + kJumpSize <= code.size(); i++) {
    int32_t distance = 0;
    std::memcpy(&distance, &code[i + 1], sizeof distance);
    const uint64_t to = from + i + kJumpSize + static_cast<uint64_t>(int64_t{distance});
    if (code[i] == kJump && to >= process.shim.thunks && to < process.shim.thunks_end) return true;
  }
  return false;
}

}  // namespace

// The plans are those by which the shim decides (wc_site_enter).
void DispatchGate::count_stop(Thread& thread, const EnteredSyscall& entered,
                              std::span<const wc_scope> scopes) {
  if (scopes.empty()) return;
  const auto& plans = run_.options.plans;
  const bool is_tracers = entered.nr >= plans.size() || plans[entered.nr].action == WC_PLAN_TRACER;
  const StopReason reason = run_.options.rules_concern(entered.nr)    ? StopReason::Rule
                            : is_tracers                              ? StopReason::Syscall
                            : is_patched(*thread.process, entered.ip) ? StopReason::Arguments
                                                                      : StopReason::Site;
  stop_counts_.add(thread.source().function(scopes.back().function).name, entered.nr, reason);
}

// All scopes were left by longjmp: the gate stands open for nothing. The syscall is issued again.
bool DispatchGate::leave_open_gate(StoppedThread& stop, Thread& thread,
                                   const user_regs_struct& regs) {
  parts_.scopes.drop_missing(thread, parts_.scopes.live(thread, regs.rsp));
  if (ProcessShare* share = thread.share()) share->view(thread.slot_index()).set_depth(0);
  return parts_.selector.set(stop, thread, Selector::Allow) &&
         stop.set_ip(gate_signals::by_way_of(thread, regs.rip - kSyscallSize));
}

// The original instruction again, with the gate open, watched by stepping.
void DispatchGate::step_back(StoppedThread stop, Thread& thread, user_regs_struct& regs) {
  if (!parts_.selector.set(stop, thread, Selector::Allow)) {
    // Issued again, it would be dispatched again, for ever: it fails instead.
    parts_.selector.say_unwritable(*thread.process);
    regs.rax = static_cast<uint64_t>(-EAGAIN);
    if (stop.set_registers(regs)) resume(std::move(stop), thread);
    return;
  }
  if (!stop.set_ip(gate_signals::by_way_of(thread, regs.rip - kSyscallSize))) return;
  thread.watch = SyscallWatch::OneSyscall;
  resume(std::move(stop), thread);
}

// The landing pad serves one syscall at a time: a handler's, which may interrupt it there, takes
// the gadget.
uint64_t DispatchGate::choose_pad(Thread& thread, Inflight& entry, uint64_t flags) {
  const ShimAddresses& shim = thread.process->shim;
  ProcessShare* share = thread.share();
  bool taken = std::any_of(thread.inflight.begin(), thread.inflight.end(),
                           [&](const Inflight& one) { return &one != &entry && one.landing; });
  if (share == nullptr || taken || entry.signals.watched || thread.wait.active ||
      waits_for_others(entry.syscall) ||
      (entry.syscall.reported && run_.pipeline.reads_memory_at_exit(entry.syscall.nr)))
    return shim.gadget;
  wc_slot& slot = share->slot(thread.slot_index());
  slot.landing_ip = entry.ip;
  slot.landing_flags = static_cast<uint32_t>(flags);
  __atomic_store_n(&slot.landing_done, 0u, __ATOMIC_RELEASE);
  entry.landing = true;
  return shim.landing;
}

void DispatchGate::on_gadget_return(StoppedThread stop, Thread& thread, user_regs_struct& regs) {
  auto& inflight = thread.inflight;
  auto at = std::find_if(inflight.rbegin(), inflight.rend(),
                         [&](const Inflight& one) { return one.sp == regs.rsp; });
  if (at == inflight.rend()) {
    run_.say(
        0, "thread " + std::to_string(thread.tid) + " came back from a syscall nobody sent it to");
    return resume(std::move(stop), thread);
  }
  Inflight done = std::move(*at);
  // Those above were interrupted by a handler that left by longjmp.
  while (!inflight.empty() && &inflight.back() != &*at) {
    if (inflight.back().syscall.reported)
      run_.pipeline.syscall_ended(thread.source(), inflight.back().syscall);
    inflight.pop_back();
  }
  inflight.pop_back();
  return_to_program(stop, thread, done, regs);
  regs.rip = gate_signals::by_way_of(thread, regs.rip);
  if (stop.set_registers(regs)) resume(std::move(stop), thread);
}

// The syscall has its result: `regs` become what its instruction leaves. Setting them is left to
// the caller.
void DispatchGate::return_to_program(const StoppedThread& stop, Thread& thread, Inflight& done,
                                     user_regs_struct& regs) {
  regs.rip = done.ip;
  regs.rcx = done.ip;
  (void)TimeLimits::restore(thread, regs);
  parts_.syscalls.finish(stop, thread, done, static_cast<int64_t>(regs.rax));
  if (done.signals.replaced) regs.rsi = done.signals.own_set;
}

void DispatchGate::before_signal(const StoppedThread& stop, Thread& thread,
                                 user_regs_struct& regs) {
  const ShimAddresses& shim = thread.process->shim;
  const bool was_on_way = gate_signals::leave_way(thread, regs);
  const bool waits = regs.rip == shim.gadget || regs.rip == shim.landing;
  const bool lands = regs.rip > shim.landing && regs.rip < shim.landing_end;
  if (!waits && !lands && regs.rip != shim.gadget + kSyscallSize) {
    if (was_on_way) (void)stop.set_registers(regs);  // where this fails the thread is dying
    return;
  }
  auto& inflight = thread.inflight;
  auto at = std::find_if(inflight.rbegin(), inflight.rend(),
                         [&](const Inflight& one) { return one.sp == regs.rsp; });
  if (at == inflight.rend()) return;
  if (lands && regs.rip >= shim.landing_saved && regs.rip <= shim.landing_restored) {
    if (ProcessShare* share = thread.share())
      regs.rax = share->slot(thread.slot_index()).landing_ret;
    regs.rdx = regs.r11;
  }
  at->landing = false;
  if (waits || is_restart(static_cast<int64_t>(regs.rax))) {
    regs.rip = waits ? at->ip - kSyscallSize : at->ip;
    regs.rcx = at->ip;
    if (waits) regs.orig_rax = ~0ull;  // it stands in front of its syscall, not behind it
    SignalCalls::take_back(thread, *at, regs);
    at->interrupted = true;
  } else {
    Inflight done = std::move(*at);
    inflight.erase(at.base() - 1);
    return_to_program(stop, thread, done, regs);
  }
  (void)stop.set_registers(regs);  // where this fails the thread is dying
}

}  // namespace wc

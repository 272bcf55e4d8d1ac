#include "engine/signal_stops.h"

#include <utility>

#include "recording/stacks.h"
#include "signals/gate_signals.h"
#include "signals/interruption.h"
#include "tracee/resume.h"

namespace wc {
namespace {

// Of one instruction, of the entry to a handler, or of a system call (arch/x86/kernel/ptrace.c).
bool is_end_of_step(const siginfo_t& info) {
  return info.si_code == TRAP_TRACE || info.si_code == SIGTRAP || info.si_code == TRAP_BRKPT;
}

// A breakpoint instruction, not a signal that somebody has sent.
bool is_from_kernel(const StoppedThread& stop) {
  siginfo_t info{};
  return stop.siginfo(info) && info.si_code == SI_KERNEL;
}

bool is_fault(const siginfo_t& info) {
  return (info.si_signo == SIGSEGV || info.si_signo == SIGBUS) && info.si_code > 0;
}

}  // namespace

void SignalStops::on_stop(StoppedThread stop, Thread& thread) {
  user_regs_struct regs{};
  const bool has_registers = stop.registers(regs);
  if (has_registers && on_breakpoint(stop, thread, regs)) return;
  if (has_registers && on_bell(stop, thread, regs)) return;
  siginfo_t info{};
  if (!stop.siginfo(info)) return resume(std::move(stop), thread, stop.signal());
  const bool has_shim = thread.process->shim.bell != 0 && has_registers;
  if (on_step(stop, thread, regs, info)) return;
  if (has_shim && on_copy_fault(stop, thread, regs, info)) return;
  parts_.own_signals.arrived(thread.process->pid, info);
  if (has_shim && on_gate_signal(stop, thread, regs, info)) return;
  if (has_shim && on_shim_fault(stop, thread, regs, info)) return;
  if (has_registers && gate_signals::force_as_blocked(stop, thread, regs, info))
    return resume(std::move(stop), thread);
  if (has_registers) continue_interrupted(stop, thread, regs, info.si_signo);
  // A wait that job control ends fails as it would without a tracer, also where it is SIGCONT that
  // the thread is seen to meet. Whether the others of its kind stop it, is seen by the stop.
  if (stop.signal() == SIGSTOP) thread.process->is_job_stopped = true;
  if (stop.signal() == SIGCONT) thread.process->is_job_stopped = false;
  const bool has_slot = has_shim && thread.share() != nullptr;
  if (has_slot || !thread.breaks.empty()) report_until_now(stop, thread, regs, info.si_signo);
  if (has_slot) gate_signals::correct_call_address(stop, info, regs);
  deliver(std::move(stop), thread, regs, info);
}

bool SignalStops::on_breakpoint(StoppedThread& stop, Thread& thread, user_regs_struct& regs) {
  Breakpoints* breaks = thread.process->breaks.get();
  if (breaks == nullptr) return false;
  if (stop.signal() == SIGTRAP && breaks->behind(regs.rip) != nullptr && is_from_kernel(stop)) {
    parts_.breaks.on_breakpoint(std::move(stop), thread, regs);
    return true;
  }
  BreakScopes::leave_thunk(stop, thread, regs);
  parts_.breaks.settle_return(stop, thread, regs);
  return false;
}

// A breakpoint at one of the shim's places is nobody else's.
bool SignalStops::on_bell(StoppedThread& stop, Thread& thread, user_regs_struct& regs) {
  if (stop.signal() != SIGTRAP) return false;
  const ShimAddresses& shim = thread.process->shim;
  const bool is_bell = shim.bell != 0 && regs.rip == shim.bell;
  if (Handshake::is_hello(thread, regs) || (is_bell && regs.rdi >= WC_SLOTS))
    parts_.handshake.on_ask(std::move(stop), thread, regs);
  else if (shim.bell != 0 && regs.rip == shim.gadget + 3)
    parts_.dispatch.on_gadget_return(std::move(stop), thread, regs);
  else if (is_bell)
    parts_.bells.on_bell(std::move(stop), thread, regs);
  else
    return false;
  return true;
}

// It was stepped to a handler's first instruction.
bool SignalStops::on_step(StoppedThread& stop, Thread& thread, const user_regs_struct& regs,
                          const siginfo_t& info) {
  const bool is_due = std::exchange(thread.steps_into_handler, false);
  if (!is_due || stop.signal() != SIGTRAP || !is_end_of_step(info)) return false;
  if (info.si_code == SIGTRAP)  // ptrace_notify(), kernel/signal.c
    gate_signals::on_handler(stop, thread, regs);
  resume(std::move(stop), thread);
  return true;
}

// The shim reads what the program has named: that may be no memory.
bool SignalStops::on_copy_fault(StoppedThread& stop, Thread& thread, const user_regs_struct& regs,
                                const siginfo_t& info) {
  const ShimAddresses& shim = thread.process->shim;
  if (!is_fault(info) || regs.rip < shim.copy || regs.rip >= shim.copy_end) return false;
  if (stop.set_ip(shim.copy_end)) resume(std::move(stop), thread);
  return true;
}

bool SignalStops::on_gate_signal(StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                                 siginfo_t& info) {
  constexpr int kUserDispatch = 2;  // SYS_USER_DISPATCH
  if (thread.own_dispatch) return false;
  (void)gate_signals::find_lost_dispatch(thread, regs, info);
  if (info.si_signo != SIGSYS || info.si_code != kUserDispatch ||
      thread.process->gate_in_force() != WC_GATE_DISPATCH)
    return false;
  parts_.dispatch.on_dispatched(std::move(stop), thread, regs, info);
  return true;
}

bool SignalStops::on_shim_fault(StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                                const siginfo_t& info) {
  if (info.si_signo != SIGSEGV) return false;
  const auto address = reinterpret_cast<uint64_t>(info.si_addr);
  const bool is_mended =
      ShimMemory::read_clock(stop, thread, regs) ||
      (info.si_code == SEGV_MAPERR && parts_.shim.map_again(stop, thread, regs, address));
  if (is_mended) resume(std::move(stop), thread);
  return is_mended;
}

// A syscall that a signal has ended with EINTR, though the program ignores the signal.
void SignalStops::continue_interrupted(const StoppedThread& stop, Thread& thread,
                                       user_regs_struct& regs, int signal) const {
  if (static_cast<int64_t>(regs.rax) != -EINTR) return;
  if (is_ignored(thread.process->pid, signal))
    parts_.time_limits.issue_in_time(stop, thread, regs);
  else if (TimeLimits::restore(thread, regs))
    (void)stop.set_registers(regs);  // where this fails the thread is dying
}

// What the handler does comes later.
void SignalStops::report_until_now(const StoppedThread& stop, Thread& thread,
                                   user_regs_struct& regs, int signal) {
  parts_.records.drain(thread, regs.rsp);
  parts_.records.complete_pending(thread, regs);
  parts_.dispatch.before_signal(stop, thread, regs);
  // What was left by longjmp is told apart here only: the handler may run on another stack.
  if (thread.process->shim.bell != 0) parts_.scopes.drop_left_scopes(thread, regs.rsp);
  const auto scopes = parts_.scopes.live(thread, regs.rsp);
  parts_.scopes.drop_missing(thread, scopes);
  if (!scopes.empty()) Interruptions::note_handler(thread, signal, regs.rsp, scopes.back());
}

void SignalStops::deliver(StoppedThread stop, Thread& thread, const user_regs_struct& regs,
                          siginfo_t& info) {
  const int signal = info.si_signo;
  const auto stack = run_.pipeline.wants_stacks()
                         ? run_.pipeline.stack_at_stop(thread.source(), dwarf_registers(regs))
                         : nullptr;
  run_.pipeline.signalled(thread.process->pid, thread.tid, signal, &info, stack.get());
  if (thread.left_way) gate_signals::set_out_again(stop, thread, stop.signal(), regs);
  if (gate_signals::is_dropped(thread, info)) return resume(std::move(stop), thread);
  if (!gate_signals::may_run_blocked(thread, stop.signal()))
    return resume(std::move(stop), thread, signal);
  thread.steps_into_handler = true;
  thread.process->memory.end_stop();
  std::move(stop).resume(Resume::Step, stop.signal());
}

}  // namespace wc

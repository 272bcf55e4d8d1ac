// Gate `dispatch`: a syscall issued inside a scope raises SIGSYS (Syscall User Dispatch,
// Linux 5.11, Documentation/admin-guide/syscall-user-dispatch.rst). No stop a scope, one or two a
// syscall: at the SIGSYS stop the thread is sent on to issue the syscall in the range that is
// exempt from dispatch. If the call writes nothing to memory that is shown, that is the shim's
// landing pad, which keeps the result for the tracer's next look and goes on by itself. Otherwise
// it is the gadget, `syscall; int3`: at the breakpoint results are read, then the thread is sent
// back.
#include <linux/audit.h>
#include <linux/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

#include "signals/interruption.h"
#include "engine/tracer.h"
#include "kernel/remote_syscall.h"

namespace wc {
namespace {

// Their children start at the instruction behind the syscall, with another stack or no tracer:
// these run where the program issued them.
bool makes_a_child(uint64_t nr) {
  return nr == SYS_clone || nr == SYS_clone3 || nr == SYS_fork || nr == SYS_vfork;
}

}  // namespace

// The selector is a byte of the thread's own memory. Where that cannot be written (a program that
// has made itself undumpable, a tracer without CAP_SYS_PTRACE), dispatch as a whole is switched.
bool Tracer::set_selector(StoppedThread& stop, Thread& thread, Selector value) {
  ProcessShare* share = share_of(thread);
  if (share == nullptr) return false;
  uint64_t at = share->slot(static_cast<uint32_t>(thread.slot)).selector;
  bool is_written = thread.process->memory.write({at}, &value, sizeof value);
  if (is_written && !thread.dispatch_off) return true;
  return set_dispatch(stop, thread, value);
}

bool Tracer::set_dispatch(StoppedThread& stop, Thread& thread, Selector value) {
  const ShimAddresses& shim = thread.process->shim;
  StoppedThread::Dispatch dispatch;
  if (value == Selector::Block) {
    uint64_t selector =
        thread.process->share.get()->slot(static_cast<uint32_t>(thread.slot)).selector;
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

// The original instruction again, with the gate open, watched by stepping.
void Tracer::step_back(StoppedThread stop, Thread& thread, user_regs_struct& regs) {
  if (!set_selector(stop, thread, Selector::Allow)) {
    // Issued again, it would be dispatched again, for ever: it fails instead.
    say_unwritable(*thread.process);
    regs.rax = static_cast<uint64_t>(-EAGAIN);
    if (stop.set_registers(regs)) resume(std::move(stop), thread);
    return;
  }
  if (!stop.set_ip(by_way_of(thread, regs.rip - 2))) return;
  thread.step_back = true;
  thread.armed = true;
  resume(std::move(stop), thread);
}

void Tracer::on_dispatched(StoppedThread stop, Thread& thread, user_regs_struct& regs,
                           const siginfo_t& info) {
  auto nr = static_cast<uint32_t>(info.si_syscall);
  drain(thread, regs.rsp);
  complete_thin(thread);
  if (nr == SYS_rt_sigreturn) end_handler_call(thread, regs.rsp);
  bool is_wrapped = !wrapped_scopes(thread, regs.rsp).empty();
  auto scopes = live_scopes(thread, regs.rsp);
  if (!is_wrapped) {
    // All scopes were left by longjmp: the gate stands open for nothing.
    drop_missing(thread, scopes);
    if (ProcessShare* share = share_of(thread))
      share->set_depth(static_cast<uint32_t>(thread.slot), 0);
    uint64_t again = regs.rip - 2;
    if (set_selector(stop, thread, Selector::Allow) && stop.set_ip(by_way_of(thread, again)))
      return resume(std::move(stop), thread);
  }
  const bool is_exec = nr == SYS_execve || nr == SYS_execveat;
  if (is_exec) look_for_ignored(thread);
  // In a call that was opened by a breakpoint, all syscalls are watched by stepping. `int $0x80` is
  // as long as `syscall`, but the gadget would take its number for another one.
  if (makes_a_child(nr) || is_of_a_probe(nr) || !thread.breaks.empty() ||
      info.si_arch != AUDIT_ARCH_X86_64)
    return step_back(std::move(stop), thread, regs);

  uint64_t pad = thread.process->shim.gadget;
  if (resumes_interrupted(thread, regs.rsp, regs.rip, nr)) {
    note_inflight(thread, regs);
    pad = choose_pad(thread, thread.inflight.back(), regs.eflags);
  } else {
    Inflight entry;
    entry.sp = regs.rsp;
    entry.ip = regs.rip;
    entry.syscall.nr = nr;
    if (has_time_limit(nr)) entry.since = TickClock::now();
    const uint64_t args[6] = {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9};
    std::copy(std::begin(args), std::end(args), entry.syscall.args);
    if (nr == SYS_rt_sigreturn) entry.syscall.args[0] = regs.rsp;  // no arguments, but a frame
    if (is_wrapped && pipeline_.reports(nr) && is_reported(thread)) {
      take_stack(thread, regs);
      report_calls(thread, scopes, true);
      entry.syscall.in_signal = !thread.handlers.empty();
      pipeline_.syscall_enter(thread.source(), entry.syscall);
    }
    if (nr == SYS_rt_sigreturn) {
      // It restores all registers and never reaches the breakpoint.
      if (entry.syscall.reported) pipeline_.syscall_ended(thread.source(), entry.syscall);
      on_sigreturn(thread, regs.rsp);
    } else {
      note_inflight(thread, regs);
      on_signal_call(stop, thread, entry);
      push_inflight(thread, std::move(entry));
      pad = choose_pad(thread, thread.inflight.back(), regs.eflags);
    }
  }
  // The kernel has put the registers back to what they were before the syscall, rax included.
  const Towards what = is_exec ? Towards::Exec : Towards::Any;
  if (stop.set_ip(by_way_of(thread, pad, what))) resume(std::move(stop), thread);
}

// The landing pad serves one syscall at a time: a handler's, which may interrupt it there, takes
// the gadget.
uint64_t Tracer::choose_pad(Thread& thread, Inflight& entry, uint64_t flags) {
  const ShimAddresses& shim = thread.process->shim;
  ProcessShare* share = share_of(thread);
  bool taken = std::any_of(thread.inflight.begin(), thread.inflight.end(),
                           [&](const Inflight& one) { return &one != &entry && one.landing; });
  if (share == nullptr || taken || entry.signals.watched || thread.wait.active ||
      (entry.syscall.reported && pipeline_.reads_memory_at_exit(entry.syscall.nr)))
    return shim.gadget;
  wc_slot& slot = share->slot(static_cast<uint32_t>(thread.slot));
  slot.landing_ip = entry.ip;
  slot.landing_flags = static_cast<uint32_t>(flags);
  __atomic_store_n(&slot.landing_done, 0u, __ATOMIC_RELEASE);
  entry.landing = true;
  return shim.landing;
}

// The syscall on the landing pad has come back.
void Tracer::complete_landed(Thread& thread) {
  auto& inflight = thread.inflight;
  auto at = std::find_if(inflight.begin(), inflight.end(),
                         [](const Inflight& one) { return one.landing; });
  ProcessShare* share = share_of(thread);
  if (at == inflight.end() || share == nullptr) return;
  wc_slot& slot = share->slot(static_cast<uint32_t>(thread.slot));
  if (__atomic_load_n(&slot.landing_done, __ATOMIC_ACQUIRE) == 0) return;
  Inflight done = std::move(*at);
  inflight.erase(at);
  if (done.syscall.reported)
    pipeline_.syscall_exit(thread.source(), done.syscall, static_cast<int64_t>(slot.landing_ret),
                           pipeline_.clock().nanoseconds(slot.landing_tsc));
}

void Tracer::note_inflight(Thread& thread, const user_regs_struct& regs) {
  if (ProcessShare* share = share_of(thread))
    share->note_inflight(static_cast<uint32_t>(thread.slot), regs.rsp, {regs.rip});
}

void Tracer::on_gadget_return(StoppedThread stop, Thread& thread, user_regs_struct& regs) {
  auto& inflight = thread.inflight;
  auto at = std::find_if(inflight.rbegin(), inflight.rend(),
                         [&](const Inflight& one) { return one.sp == regs.rsp; });
  if (at == inflight.rend()) {
    say(0, "thread " + std::to_string(thread.tid) + " came back from a syscall nobody sent it to");
    return resume(std::move(stop), thread);
  }
  Inflight done = std::move(*at);
  // Those above were interrupted by a handler that left by longjmp.
  while (!inflight.empty() && &inflight.back() != &*at) {
    if (inflight.back().syscall.reported)
      pipeline_.syscall_ended(thread.source(), inflight.back().syscall);
    inflight.pop_back();
  }
  inflight.pop_back();
  regs.rip = done.ip;
  regs.rcx = done.ip;  // what `syscall` leaves there
  auto ret = static_cast<int64_t>(regs.rax);
  if (done.signals.replaced) regs.rsi = done.signals.own_set;
  (void)restore_limit(thread, regs);
  on_signal_call_exit(stop, thread, done, ret);
  if (done.syscall.reported)
    pipeline_.syscall_exit(thread.source(), done.syscall, ret, TickClock::now());
  regs.rip = by_way_of(thread, regs.rip);
  if (stop.set_registers(regs)) resume(std::move(stop), thread);
}

}  // namespace wc

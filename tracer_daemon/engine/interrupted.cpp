// Syscalls that signals interrupt. One syscall is one event, however often the kernel
// restarts it: it ends with its last result, or as EINTR when its handler returns.
//
// Source: signal(7), "Interruption of system calls"; include/linux/errno.h.
#include <sys/syscall.h>

#include <algorithm>

#include "signals/interruption.h"
#include "engine/tracer.h"

namespace wc {
namespace {

// A handler's frame (asm/ucontext.h): at rt_sigreturn the stack pointer stands at the ucontext.
struct SavedContext {
  uint64_t flags, link, stack[3];
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
};

// More handlers than this one above another, each interrupted in a system call: it is a program
// that leaves them by longjmp from stacks of its own, where that cannot be seen.
constexpr size_t kMaxInflight = 64;
constexpr size_t kMaxHandlers = 1024;

// Two places on one stack are nearer to each other than this; an alternate stack is farther away.
constexpr uint64_t kOneStack = 1u << 20;

}  // namespace

// A signal is about to be delivered inside a call. What its handler does belongs to that call,
// marked; a signal without a handler changes nothing.
void Tracer::note_handler(Thread& thread, int signal, uint64_t sp, const wc_scope& call) {
  if (!has_handler(thread.process->pid, signal)) return;
  if (thread.handlers.size() >= kMaxHandlers) thread.handlers.erase(thread.handlers.begin());
  thread.handlers.push_back(sp);
  thread.calls.handler_begins(call.seq);
  uint64_t hidden = thread.process->hidden_action_masks[static_cast<size_t>(signal)];
  if ((hidden & ~thread.hidden_mask) == 0) return;
  thread.interrupted_masks.push_back({sp, thread.hidden_mask});
  thread.hidden_mask |= hidden;
}

// Handlers are over: what they had hidden is not blocked any more.
void Tracer::restore_hidden_mask(Thread& thread) {
  auto& masks = thread.interrupted_masks;
  const auto& handlers = thread.handlers;
  while (!masks.empty() &&
         std::find(handlers.begin(), handlers.end(), masks.back().sp) == handlers.end()) {
    thread.hidden_mask = masks.back().hidden;
    masks.pop_back();
  }
}

// Handlers that were left by longjmp: the thread stands above what they had interrupted.
void Tracer::drop_left_handlers(Thread& thread, uint64_t sp) {
  auto& handlers = thread.handlers;
  while (!handlers.empty() && handlers.back() <= sp && sp - handlers.back() < kOneStack)
    handlers.pop_back();
  restore_hidden_mask(thread);
}

// The syscalls that such handlers interrupted never come back.
void Tracer::drop_left_syscalls(Thread& thread, uint64_t sp) {
  drop_left_handlers(thread, sp);
  auto& inflight = thread.inflight;
  while (!inflight.empty() && inflight.back().sp < sp && sp - inflight.back().sp < kOneStack) {
    Inflight left = std::move(inflight.back());
    inflight.pop_back();
    if (left.syscall.reported) pipeline_.syscall_ended(thread.source(), left.syscall);
  }
}

// A system call has been entered. The oldest of too many is given up: it is reported as one that
// has not come back.
void Tracer::push_inflight(Thread& thread, Inflight entry) {
  auto& inflight = thread.inflight;
  if (inflight.size() >= kMaxInflight) {
    if (inflight.front().syscall.reported)
      pipeline_.syscall_ended(thread.source(), inflight.front().syscall);
    inflight.erase(inflight.begin());
  }
  inflight.push_back(std::move(entry));
}

// Gate dispatch, a signal is about to be delivered: its handler, and whoever unwinds from it, must
// find the program's own address and registers, not those of the gadget or the landing pad.
void Tracer::park_interrupted(const StoppedThread& stop, Thread& thread, user_regs_struct& regs) {
  const ShimAddresses& shim = thread.process->shim;
  const bool was_on_way = leave_way(thread, regs);
  bool waits = regs.rip == shim.gadget || regs.rip == shim.landing;
  bool lands = regs.rip > shim.landing && regs.rip < shim.landing_end;
  if (!waits && !lands && regs.rip != shim.gadget + 2) {
    if (was_on_way) (void)stop.set_registers(regs);  // where this fails the thread is dying
    return;
  }
  auto& inflight = thread.inflight;
  auto at = std::find_if(inflight.rbegin(), inflight.rend(),
                         [&](const Inflight& one) { return one.sp == regs.rsp; });
  if (at == inflight.rend()) return;
  if (lands && regs.rip >= shim.landing_saved && regs.rip <= shim.landing_restored) {
    if (ProcessShare* share = share_of(thread))
      regs.rax = share->slot(static_cast<uint32_t>(thread.slot)).landing_ret;
    regs.rdx = regs.r11;
  }
  regs.rip = waits ? at->ip - 2 : at->ip;
  if (waits) regs.orig_rax = ~0ull;  // it stands in front of its syscall, not behind it
  regs.rcx = at->ip;
  auto ret = static_cast<int64_t>(regs.rax);
  at->landing = false;
  if (waits || is_restart(ret)) {
    at->interrupted = true;
  } else {
    Inflight done = std::move(*at);
    inflight.erase(at.base() - 1);
    if (done.syscall.reported)
      pipeline_.syscall_exit(thread.source(), done.syscall, ret, TickClock::now());
  }
  (void)stop.set_registers(regs);  // where this fails the thread is dying
}

// Whether the syscall that is being issued is an interrupted one that comes again.
bool Tracer::resumes_interrupted(Thread& thread, uint64_t sp, uint64_t ip, uint32_t nr) {
  auto& inflight = thread.inflight;
  auto at = std::find_if(inflight.rbegin(), inflight.rend(), [&](const Inflight& one) {
    return one.interrupted && one.sp == sp && one.ip == ip;
  });
  if (at == inflight.rend() || (at->syscall.nr != nr && nr != SYS_restart_syscall)) return false;
  at->interrupted = false;
  std::rotate(at.base() - 1, at.base(), inflight.end());
  return true;
}

// A handler returns. What it interrupted will be issued again, or ends here.
void Tracer::on_sigreturn(Thread& thread, uint64_t sp) {
  SavedContext context{};
  if (!thread.process->memory.read_all({sp}, &context, sizeof context)) return;
  if (std::erase(thread.handlers, context.rsp) != 0) thread.calls.handler_returns();
  restore_hidden_mask(thread);
  auto& inflight = thread.inflight;
  auto at = std::find_if(inflight.rbegin(), inflight.rend(), [&](const Inflight& one) {
    return one.interrupted && one.sp == context.rsp && one.ip == context.rip;
  });
  if (at == inflight.rend()) return;
  Inflight done = std::move(*at);
  inflight.erase(at.base() - 1);
  if (done.syscall.reported)
    pipeline_.syscall_exit(thread.source(), done.syscall, static_cast<int64_t>(context.rax),
                           TickClock::now());
}

}  // namespace wc

#include "signals/interruptions.h"

#include <sys/syscall.h>

#include <algorithm>
#include <utility>

#include "events/tick_clock.h"
#include "signals/interruption.h"

namespace wc {
namespace {

// A handler's frame (asm/ucontext.h): at rt_sigreturn the stack pointer stands at the ucontext.
struct SavedContext {
  uint64_t flags, link, stack[3];
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
};

constexpr size_t kMaxHandlers = 1024;  // one above another

}  // namespace

// A signal is about to be delivered inside a call. What its handler does belongs to that call,
// marked; a signal without a handler changes nothing.
void Interruptions::note_handler(Thread& thread, int signal, uint64_t sp, const wc_scope& call) {
  if (!has_handler(thread.process->pid, signal)) return;
  if (thread.handlers.size() >= kMaxHandlers) thread.handlers.erase(thread.handlers.begin());
  if (thread.interrupted_masks.size() >= 2 * kMaxHandlers)  // on_handler() adds one, too
    thread.interrupted_masks.erase(thread.interrupted_masks.begin());
  thread.handlers.push_back(sp);
  thread.calls.handler_begins(call.seq);
  // Its return brings the mask back, whatever it blocks itself.
  thread.interrupted_masks.push_back({sp, thread.hidden_mask});
  thread.hidden_mask |= thread.process->hidden_action_masks[static_cast<size_t>(signal)];
}

// Whether the syscall that is being issued is an interrupted one that comes again.
bool Interruptions::resumes(Thread& thread, uint64_t sp, uint64_t ip, uint32_t nr) {
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
void Interruptions::on_sigreturn(Thread& thread, uint64_t sp) const {
  SavedContext context{};
  if (!thread.process->memory.read_all({sp}, &context, sizeof context)) return;
  if (std::erase(thread.handlers, context.rsp) != 0) thread.calls.handler_returns();
  OpenScopes::restore_hidden_mask(thread);
  auto& inflight = thread.inflight;
  auto at = std::find_if(inflight.rbegin(), inflight.rend(), [&](const Inflight& one) {
    return one.interrupted && one.sp == context.rsp && one.ip == context.rip;
  });
  if (at == inflight.rend()) return;
  Inflight done = std::move(*at);
  inflight.erase(at.base() - 1);
  if (done.syscall.reported)
    run_.pipeline.syscall_exit(thread.source(), done.syscall, static_cast<int64_t>(context.rax),
                               TickClock::now());
}

}  // namespace wc

/*
 * orphan.c: the program outlives its tracer.
 *
 * When the tracer dies while a thread stands in one of our stops, the kernel delivers the signal
 * that caused the stop: SIGTRAP from the doorbell or the gadget, SIGSYS from a dispatched
 * syscall. Or while it was made to issue a system call for the tracer (struct wc_injection). These
 * handlers, installed only where the program has none of its own, put the thread
 * back to where it would be without us and switch everything off. While the tracer lives they
 * never run.
 */
#include "preload_lib/shim.h"

enum {
  kSigtrap = 5,
  kSigsys = 31,
  kRtSigaction = 13,
  kTgkill = 234,
  kGetpid = 39,
  kGettid = 186,
  kSchedYield = 24
};

/* The parts of the kernel's signal frame that are needed (asm/sigcontext.h, asm/ucontext.h). */
struct context {
  uint64_t flags, link;
  uint64_t stack[3];
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
  uint64_t eflags, unused[14]; /* segments, fault, place of the floating point state */
  uint64_t mask;
};
WC_STATIC_ASSERT(offsetof(struct context, mask) == 296, "uc_sigmask");

struct information {
  int32_t signal, error, code, padding;
  uint64_t call_address;
};

extern const char wc_gadget_syscall[], wc_bell_address[];
extern const char wc_again_begin[], wc_again_kept[], wc_again_restored[], wc_again_end[];

static void default_action(int signal) {
  struct wc_action action = {0, 0x04000000, (uint64_t)wc_signal_return, 0};
  wc_sys4(kRtSigaction, signal, (long)&action, 0, 8);
}

/* The thread stands behind the gadget, or where the tracer has sent it back to already. */
static int return_from_gadget(struct context *context) {
  struct wc_slot *slot = wc_thread.slot;
  if (slot == NULL) return 0;
  int behind_gadget = context->rip == (uint64_t)wc_gadget_syscall + 3;
  /* The latest first: older ones may have stood at the same stack pointer. */
  for (uint32_t i = 1; i <= WC_INFLIGHT; i++) {
    const struct wc_inflight *one = &slot->inflight[(slot->inflight_next - i) % WC_INFLIGHT];
    if (one->sp != context->rsp || one->ip == 0) continue;
    if (!behind_gadget && context->rip != one->ip) continue;
    context->rip = one->ip;
    return 1;
  }
  return 0;
}

struct wc_injection wc_injection;

/* The tracer died while it made a system call in this thread's name: everything is as it was. */
static int return_from_injection(struct context *context) {
  const struct wc_injection *own = &wc_injection;
  uint64_t at = context->rip - (uint64_t)wc_gadget_syscall;
  if (own->thread != (uint64_t)__builtin_thread_pointer() || (at != 0 && at != 3)) return 0;
  const uint64_t *from = &own->r8;
  uint64_t *to = &context->r8;
  for (unsigned i = 0; i < offsetof(struct wc_injection, mask) / sizeof *from; i++) to[i] = from[i];
  context->mask = own->mask;
  wc_injection.thread = 0;
  return 1;
}

/* With what action the program ignores the two signals, as it was found before the first bell.
 * Nothing once the shared memory says so. */
static struct wc_action found[WC_AGAIN_SIGNALS];

/* Gate socket: the program's action for SIGTRAP while a thread asks. */
static struct wc_action shielded;

static int belongs_to_program(int signal, struct information *info, struct context *context) {
  enum { kIgnore = 1 };
  if (!__atomic_load_n(&wc_process.asks, __ATOMIC_ACQUIRE) || shielded.handler == 0) return 0;
  if (shielded.handler > kIgnore)
    ((void (*)(int, struct information *, struct context *))shielded.handler)(signal, info,
                                                                              context);
  return 1;
}

static void on_signal(int signal, struct information *info, struct context *context) {
  enum { kUserDispatch = 2, kFromKernel = 0x80 /* SI_KERNEL: a breakpoint instruction */ };
  if (return_from_injection(context) && signal == kSigtrap) {
    wc_go_native();
    return;
  }
  if (signal == kSigsys && info->code == kUserDispatch) {
    wc_go_native();
    /* Issue the syscall again, where the program did: rax still holds its number. The tracer may
     * have moved rip already. */
    context->rip = info->call_address - 2;
    return;
  }
  if (signal == kSigtrap && context->rip == (uint64_t)wc_bell_address) {
    wc_go_native();
    return;
  }
  if (signal == kSigtrap && info->code == kFromKernel && return_from_gadget(context)) {
    wc_go_native();
    return;
  }
  /* The program's own: it has no handler, so it dies of it, unless somebody has sent it and it is
   * ignored. */
  const struct wc_shared_header *shared = wc_process.shared;
  int is_published = shared != NULL && shared->orphan.handler != 0;
  const struct wc_action *ignored = is_published ? shared->ignored : found;
  int row = signal == kSigsys ? WC_AGAIN_SIGSYS : WC_AGAIN_SIGTRAP;
  if (info->code <= 0 && ignored[row].handler != 0) return;
  if (belongs_to_program(signal, info, context)) return;
  default_action(signal);
  wc_sys3(kTgkill, wc_sys0(kGetpid), wc_sys0(kGettid), signal);
}

static struct wc_action ours(void) {
  enum { kSiginfo = 4, kRestorer = 0x04000000, kOnstack = 0x08000000, kNodefer = 0x40000000 };
  return (struct wc_action){(uint64_t)on_signal, kSiginfo | kRestorer | kOnstack | kNodefer,
                            (uint64_t)wc_signal_return, 0};
}

static void install(int signal) {
  enum { kIgnore = 1 };
  struct wc_action old = {0, 0, 0, 0}, action = ours();
  if (wc_sys4(kRtSigaction, signal, 0, (long)&old, 8) != 0) return;
  /* In a child that was forked between this and the publishing, what its parent has found holds. */
  if (old.handler != (uint64_t)on_signal)
    found[signal == kSigsys ? WC_AGAIN_SIGSYS : WC_AGAIN_SIGTRAP] =
        old.handler == kIgnore ? old : (struct wc_action){0, 0, 0, 0};
  /* Also where it is ignored, until the first bell: other threads are sent signals meanwhile. */
  if (old.handler == 0 || old.handler == kIgnore)
    wc_sys4(kRtSigaction, signal, (long)&action, 0, 8);
}

void wc_publish_actions(void) {
  struct wc_shared_header *shared = wc_process.shared;
  for (unsigned i = 0; i < WC_AGAIN_SIGNALS; i++) shared->ignored[i] = found[i];
  shared->again = (struct wc_again){(uint64_t)wc_again_begin, (uint64_t)wc_again_kept,
                                    (uint64_t)wc_again_restored, (uint64_t)wc_again_end};
  WC_BARRIER();
  shared->orphan = ours();
  WC_BARRIER();
  for (unsigned i = 0; i < WC_AGAIN_SIGNALS; i++) found[i].handler = 0;
}

/* Where a ring is full there is little stack to spare: what the kernel has goes where the one
 * thread that comes here has room for it. */
static inline __attribute__((always_inline)) void keep_ignoring(struct wc_shared_header *shared,
                                                                int signal, unsigned which) {
  volatile struct wc_action *old = &shared->again_old;
  if (WC_LIKELY(shared->ignored[which].handler == 0)) return;
  if (wc_sys4(kRtSigaction, signal, 0, (long)old, 8) == 0 &&
      (old->handler == 0 || old->handler == (uint64_t)on_signal))
    wc_sys4(kRtSigaction, signal, (long)&shared->ignored[which], 0, 8);
}

/* The bell's signal was forced: it is not ignored any more; or the handler stands there. Unless the
 * program has set something else since. Not where there are more threads: to ignore a signal takes
 * it away from all that it waits for, and it may be the gate's. */
void wc_keep_ignoring(void) {
  struct wc_shared_header *shared = wc_process.shared;
  if (shared == NULL || shared->many_threads) return;
  keep_ignoring(shared, kSigtrap, WC_AGAIN_SIGTRAP);
  keep_ignoring(shared, kSigsys, WC_AGAIN_SIGSYS);
}

void wc_install_orphan_handlers(uint32_t gate) {
  if (gate == WC_GATE_SOCKET) return; /* its stops carry no signal */
  install(kSigtrap);
  if (gate == WC_GATE_DISPATCH) install(kSigsys);
}

/* Gate socket: the kernel would take away the program's action for a SIGTRAP that it blocks or
 * ignores, and a tracer that is gone its life. One thread at a time: each puts back what it found.
 * The program's signals wait meanwhile: a handler that leaves by longjmp would keep the others out.
 */
static __attribute__((noinline)) uint64_t ask_shielded(uint64_t question, uint64_t a, uint64_t b) {
  enum { kRtSigprocmask = 14, kSetmask = 2 };
  struct wc_action action = ours();
  uint64_t all = ~(1ull << (kSigtrap - 1)), mask = 0;
  wc_sys4(kRtSigprocmask, kSetmask, (long)&all, (long)&mask, 8);
  while (__atomic_exchange_n(&wc_process.asks, 1, __ATOMIC_ACQUIRE)) wc_sys0(kSchedYield);
  wc_sys4(kRtSigaction, kSigtrap, 0, (long)&shielded, 8);
  wc_sys4(kRtSigaction, kSigtrap, (long)&action, 0, 8);
  uint64_t answer = wc_bell_trap(question, a, b);
  wc_sys4(kRtSigaction, kSigtrap, (long)&shielded, 0, 8);
  __atomic_store_n(&wc_process.asks, 0, __ATOMIC_RELEASE);
  wc_sys4(kRtSigprocmask, kSetmask, (long)&mask, 0, 8);
  return answer;
}

uint64_t wc_ask(uint64_t question, uint64_t a, uint64_t b) {
  if (wc_stub_table()->gate == WC_GATE_SOCKET && wc_process.gate != WC_GATE_TRAP)
    return ask_shielded(question, a, b);
  uint64_t answer = wc_bell_trap(question, a, b);
  wc_keep_ignoring();
  return answer;
}

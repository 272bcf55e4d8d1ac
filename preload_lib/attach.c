/*
 * attach.c: makes a process and its threads known to the tracer, at their first wrapped call.
 *
 * That call may come before any constructor, in a forked child, in a signal handler. A call that
 * arrives while its own thread is attaching runs native; another thread waits.
 */
#include "preload_lib/shim.h"

enum { kPrctl = 157, kSchedYield = 24, kSetSyscallUserDispatch = 59, kDispatchOn = 1 };

/* Two pages: the state must not share a page with anything that a child needs. */
static union {
  struct wc_process process;
  uint8_t pages[2 * WC_PAGE];
} state __attribute__((aligned(WC_PAGE)));
extern struct wc_process wc_process __attribute__((alias("state")));

/* Survives a fork, so that a child's generation differs from its parent's. */
static uint32_t last_generation;

/* Children of this process are not traced: outside of the wiped pages, so that they know. */
static uint32_t children_run_native;

static int attach_process(void) {
  const struct wc_stubs *stubs = wc_stub_table();
  if (stubs == NULL || children_run_native) return 0;
  /* Before the first bell: a tracer that is gone must not cost the program its life. */
  wc_install_orphan_handlers(stubs->gate);
  if (wc_greet() != 0) return 0;
  /* Gate socket without a connection, which the shared memory says. */
  if (wc_process.gate != stubs->gate) wc_install_orphan_handlers(wc_process.gate);
  wc_publish_actions();
  wc_prepare_scopes();
  wc_prepare_stacks();
  children_run_native = (wc_process.config & WC_CONFIG_ALONE) != 0;
  wc_process.functions = (const struct wc_function *)stubs->functions;
  wc_process.shared->functions = stubs->functions;
  wc_process.generation = ++last_generation;
  return 1;
}

static void arm_dispatch(void) {
  long size = wc_exempt_end - wc_exempt_begin;
  wc_thread.selector = 0;
  if (wc_syscall(kPrctl, kSetSyscallUserDispatch, kDispatchOn, (long)wc_exempt_begin, size,
                 (long)&wc_thread.selector) != 0)
    wc_process.gate = WC_GATE_TRAP,
    wc_process.fast = wc_process.in_process = 0; /* refused by a policy: the bell works */
}

static int attach_slot(void) {
  if (*(volatile uint32_t *)&wc_process.shared->full) {
    __atomic_fetch_add(&wc_process.shared->exhausted, 1, __ATOMIC_RELAXED);
    return 0;
  }
  /* 0, too, for a vfork child: it runs on its parent's memory, and nothing of it may stay there. */
  uint64_t answer = wc_ask(WC_ASK_SLOT, (uint64_t)&wc_thread.selector, 0);
  struct wc_slot *slot = (struct wc_slot *)(answer & -(uint64_t)WC_PAGE);
  if (slot == NULL) return 0;
  wc_thread.writers = 0; /* of a parent, which forked in a handler */
  if (answer & WC_SLOT_ARM) arm_dispatch();
  /* Not before the tracer knows: a signal handler that comes in between must run native. */
  WC_BARRIER();
  wc_thread.slot = slot;
  wc_thread.generation = wc_process.generation;
  return 1;
}

static int process_is_ready(void) {
  uint32_t expected = WC_DETACHED;
  if (__atomic_compare_exchange_n(&wc_process.state, &expected, WC_ATTACHING, 0, __ATOMIC_ACQ_REL,
                                  __ATOMIC_ACQUIRE)) {
    int attached = attach_process();
    uint32_t generation =
        attached && wc_process.gate == WC_GATE_DISPATCH ? wc_process.generation : 0;
    uint32_t config = wc_process.config;
    wc_process.in_process = config & WC_CONFIG_IN_PROCESS ? generation : 0;
    const uint32_t fine = WC_CONFIG_IN_PROCESS | WC_CONFIG_DROP | WC_CONFIG_STACKS |
                          WC_CONFIG_SYSCALL_TIME | WC_CONFIG_ALONE;
    uint32_t plain = config & ~fine ? 0 : generation;
    __atomic_store_n(&wc_process.fast, plain, __ATOMIC_RELEASE);
    __atomic_store_n(&wc_process.state, attached ? WC_READY : WC_NATIVE, __ATOMIC_RELEASE);
  }
  uint32_t now;
  while ((now = __atomic_load_n(&wc_process.state, __ATOMIC_ACQUIRE)) == WC_ATTACHING)
    wc_sys0(kSchedYield);
  return now == WC_READY;
}

int wc_attach_thread(void) {
  if (wc_thread.busy || wc_process.state == WC_NATIVE) return 0;
  wc_thread.busy = 1;
  int ready = process_is_ready() && attach_slot();
  wc_thread.busy = 0;
  return ready;
}

void wc_go_native(void) {
  wc_thread.selector = 0;
  __atomic_store_n(&wc_process.fast, 0, __ATOMIC_RELEASE);
  __atomic_store_n(&wc_process.in_process, 0, __ATOMIC_RELEASE);
  __atomic_store_n(&wc_process.state, WC_NATIVE, __ATOMIC_RELEASE);
}

/*
 * attach.c: makes a process and its threads known to the tracer, at their first wrapped call.
 *
 * That call may come before any constructor, in a forked child, in a signal handler. A call that
 * arrives while its own thread is attaching runs native; another thread waits.
 */
#include "preload_lib/shim.h"

enum {
  kPrctl = 157,
  kGetpid = 39,
  kGettid = 186,
  kMadvise = 28,
  kSchedYield = 24,
  kWipeOnFork = 18,
  kSetSyscallUserDispatch = 59,
  kDispatchOn = 1
};

/* Two pages: the state must not share a page with anything that a child needs. */
static union {
  struct wc_process process;
  uint8_t pages[2 * WC_PAGE];
} state __attribute__((aligned(WC_PAGE)));
extern struct wc_process wc_process __attribute__((alias("state")));

/* Survives a fork, so that a child's generation differs from its parent's. */
static uint32_t last_generation;

static int attach_process(void) {
  /* The child of a fork must start detached; without this (Linux < 4.14) nothing is recorded. */
  if (wc_syscall(kMadvise, (long)&state, WC_PAGE, kWipeOnFork, 0, 0) != 0) return 0;
  if (wc_stub_table() == NULL || wc_connect() != 0) return 0;
  wc_install_orphan_handlers();
  wc_prepare_scopes();
  wc_prepare_stacks();
  wc_process.functions = (const struct wc_function *)wc_stub_table()->functions;
  wc_process.pid = (int32_t)wc_sys0(kGetpid);
  wc_process.generation = ++last_generation;
  return 1;
}

static struct wc_slot *claim_slot(void) {
  for (uint32_t i = 0; i < wc_process.slot_count; i++) {
    struct wc_slot *slot =
        (struct wc_slot *)(wc_process.slots + (uint64_t)i * wc_process.slot_size);
    uint32_t expected = WC_SLOT_FREE;
    if (__atomic_load_n(&slot->state, __ATOMIC_RELAXED) == WC_SLOT_FREE &&
        __atomic_compare_exchange_n(&slot->state, &expected, WC_SLOT_USED, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED))
      return slot;
  }
  __atomic_fetch_add(&wc_process.shared->exhausted, 1, __ATOMIC_RELAXED);
  return NULL;
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
  /* A vfork child runs on its parent's memory; nothing of it may stay behind there. */
  if ((int32_t)wc_sys0(kGetpid) != wc_process.pid) return 0;
  struct wc_slot *slot = claim_slot();
  if (slot == NULL) return 0;
  slot->tid = (int32_t)wc_sys0(kGettid);
  slot->depth = 0;
  slot->gate_open = 0;
  slot->bell = slot->ack;
  slot->selector = (uint64_t)&wc_thread.selector;
  wc_thread.writers = 0; /* of a parent, which forked in a handler */
  if (wc_process.gate == WC_GATE_DISPATCH) arm_dispatch();
  wc_bell(slot, 0); /* tells the tracer which slot is this thread's */
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
    const uint32_t fine =
        WC_CONFIG_IN_PROCESS | WC_CONFIG_DROP | WC_CONFIG_STACKS | WC_CONFIG_SYSCALL_TIME;
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

/*
 * own_scope.c: scopes that the program names itself (wc/scope.h). Each name gets one of the rows
 * that stand behind the stub library's functions; from there on such a scope is a call like any
 * other. The guard that the program gives is the frame.
 */
#include "preload_lib/shim.h"

enum { kGuardSize = 24 * 8 }; /* struct wc_scope_guard */
WC_STATIC_ASSERT(sizeof(struct wc_frame) <= kGuardSize, "a guard holds a frame");

/* The row of this name, by its address; NULL: all are taken. A child of fork has its parent's rows,
 * but a shared memory of its own. */
static struct wc_function *row_of(uint64_t name) {
  const struct wc_stubs *stubs = wc_stub_table();
  struct wc_function *rows = (struct wc_function *)stubs->functions + stubs->count;
  uint32_t first = (uint32_t)(name * 0x9e3779b97f4a7c15ull >> 32);
  for (uint32_t i = 0; i < WC_OWN_SCOPES; i++) {
    uint32_t number = (first + i) % WC_OWN_SCOPES;
    struct wc_function *row = &rows[number];
    uint64_t known = 0;
    if (__atomic_compare_exchange_n(&row->real, &known, name, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
      known = name;
    if (known != name) continue;
    /* Whoever comes first writes the same. */
    row->index = stubs->count + number;
    row->flags = WC_FUNCTION_OWN;
    wc_process.shared->own_scopes[number] = name;
    return row;
  }
  return NULL;
}

static int is_attached(void) {
  return (wc_process.state == WC_READY && wc_thread.slot != NULL &&
          wc_thread.generation == wc_process.generation) ||
         wc_attach_thread();
}

__attribute__((visibility("default"))) void wc_scope_enter_v1(struct wc_frame *frame,
                                                              const char *name) {
  frame->slot = NULL;
  if (name == NULL || !is_attached()) return;
  frame->function = row_of((uint64_t)name);
  if (frame->function == NULL) return;
  const uint64_t *here = __builtin_frame_address(0);
  frame->args[0] = (uint64_t)name;
  frame->args[1] = (uint64_t)(here + 2); /* the caller's stack pointer, for stacks */
  for (int i = 2; i < 6; i++) frame->args[i] = 0;
  frame->rbp = here[0];
  frame->caller = here[1];
  wc_enter(frame);
}

__attribute__((visibility("default"))) void wc_scope_leave_v1(struct wc_frame *frame) {
  frame->ret = 0;
  wc_leave(frame);
}

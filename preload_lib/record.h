/*
 * record.h: filling in the records of engine inproc (protocol/shared.h).
 */
#ifndef WC_PRELOAD_RECORD_H
#define WC_PRELOAD_RECORD_H

#include "preload_lib/shim.h"

static inline __attribute__((always_inline)) void wc_copy_words(uint64_t *to,
                                                                const uint64_t *from) {
  to[0] = from[0];
  to[1] = from[1];
  to[2] = from[2];
  to[3] = from[3];
  to[4] = from[4];
  to[5] = from[5];
}

/* Fills in a SYSCALL. */
static inline __attribute__((always_inline)) void wc_fill_syscall(struct wc_record_body *body,
                                                                  const struct wc_pending *pending,
                                                                  uint64_t ret, uint64_t end) {
  wc_record_of(body)->seq = pending->seq;
  wc_record_of(body)->ret = ret;
  wc_record_of(body)->tsc = end;
  body->place = pending->tsc;
  body->what = pending->nr;
  wc_copy_words(body->args, pending->args);
}

/* Makes a CALL_SYSCALL of it, but for the arguments, which stand behind what is returned. */
static inline __attribute__((always_inline)) struct wc_record_call *wc_fill_call(
    struct wc_record_body *body, const struct wc_scope *scope, uint32_t index) {
  struct wc_record_call *call = (struct wc_record_call *)(body + 1);
  call->sp = scope->sp;
  call->caller = scope->caller;
  call->function = scope->function;
  call->depth = index;
  return call;
}

/* Takes the syscall of a thin call that has come back, which is the taker's to record then: when it
 * came back, or 0. One instruction, because a signal handler that comes records it itself, and uses
 * its place for a syscall of its own. */
static inline uint64_t wc_claim(struct wc_pending *pending) {
  uint64_t end = pending->end, found = end;
  __asm__ volatile("cmpxchg %2, %1"
                   : "+a"(found), "+m"(pending->end)
                   : "r"((uint64_t)0)
                   : "memory", "cc");
  return found == end ? end : 0;
}

/* From here on nobody reports this scope who has not yet. Returns whether somebody has: then its
 * end is to be reported. One instruction, because a signal handler that comes reports what is open.
 */
static inline int wc_close_scope(struct wc_scope *scope) {
  int reported;
  __asm__ volatile("andl %2, %1"
                   : "=@ccs"(reported), "+m"(scope->flags)
                   : "i"(~WC_SCOPE_OPEN)
                   : "memory", "cc");
  return reported;
}

/* Whether the call in this scope has yet to be reported before anything inside of it. */
static inline int wc_is_unreported(const struct wc_scope *scope) {
  return (scope->flags & (WC_SCOPE_OPEN | WC_SCOPE_REPORTED)) == WC_SCOPE_OPEN;
}

#endif

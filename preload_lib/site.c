/*
 * site.c: engine inproc. A syscall issued at a patched site inside an open scope comes here, from
 * wc_site in entry.S: it is issued there and recorded, without a stop. What cannot be recorded here
 * goes back to the site's own syscall instruction, where it is dispatched to the tracer.
 */
#include "preload_lib/shim.h"

/* Whether every call that is to be reported first can be recorded here. */
static int calls_can_be_recorded(const struct wc_slot *slot, uint32_t depth) {
  for (uint32_t i = depth; i > 0 && !(slot->scopes[i - 1].flags & WC_SCOPE_REPORTED); i--)
    if (wc_process.functions[slot->scopes[i - 1].function].flags & WC_FUNCTION_TRACER) return 0;
  return 1;
}

/* What the thread waits in, for the case that it never comes back. A handler's syscalls stand above
 * those that it has interrupted. */
static void push_pending(struct wc_slot *slot, struct wc_site *site, uint64_t seq) {
  uint32_t depth = slot->pending_depth;
  struct wc_pending *pending = &slot->pending[depth % WC_PENDING];
  slot->pending_depth = depth + 1;
  WC_BARRIER();
  pending->seq = seq;
  pending->tsc = site->tsc;
  pending->nr = (uint32_t)site->nr;
  for (int i = 0; i < 6; i++) pending->args[i] = site->args[i];
  site->pending = depth;
}

/* Returns the flag for the record's type. */
static uint32_t add_stack(const struct wc_stack_registers *registers, wc_piece *pieces,
                          uint32_t *count) {
  uint32_t before = *count;
  *count = wc_add_stack(registers, pieces, before);
  return *count != before ? WC_RECORD_STACK : 0;
}

void wc_record_call(struct wc_slot *slot, struct wc_scope *scope, const struct wc_site *site,
                    uint64_t tsc) {
  wc_piece pieces[WC_CALL_PIECES + WC_STACK_PIECES];
  uint32_t count = wc_measure_entry(scope, site, pieces), type = WC_RECORD_CALL;
  struct wc_stack_registers registers;
  if (WC_UNLIKELY(wc_process.config & WC_CONFIG_STACKS)) {
    /* Below its caller's address stands the frame pointer (frame.h). */
    int own = wc_process.functions[scope->function].flags & WC_FUNCTION_OWN;
    registers = (struct wc_stack_registers){scope->caller, own ? scope->args[1] : scope->sp + 8,
                                            ((const uint64_t *)scope->sp)[-1]};
    type |= add_stack(&registers, pieces, &count);
  }
  struct wc_record_body *body = wc_begin_record(slot, pieces, count);
  if (body == NULL) return;
  wc_record_of(body)->seq = scope->seq;
  wc_record_of(body)->ret = scope->caller;
  wc_record_of(body)->tsc = tsc;
  body->place = scope->sp;
  body->what = scope->function;
  for (int i = 0; i < 6; i++) body->args[i] = scope->args[i];
  wc_end_record(slot, body, type);
  scope->flags |= WC_SCOPE_REPORTED;
}

/* Returns enum wc_plan_action. */
__attribute__((visibility("hidden"))) uint32_t wc_site_enter(struct wc_site *site) {
  struct wc_slot *slot = wc_thread.slot;
  if (WC_UNLIKELY(slot == NULL || wc_thread.generation != wc_process.in_process ||
                  slot->gate_open || site->nr >= WC_PLANNED_SYSCALLS))
    return WC_PLAN_TRACER;
  uint32_t action = wc_process.shared->plans[site->nr].action;
  if (action != WC_PLAN_RECORD) return action;
  uint32_t depth = slot->depth;
  if (WC_UNLIKELY(depth == 0 || slot->scopes[depth - 1].sp <= WC_SITE_SP(site) ||
                  !calls_can_be_recorded(slot, depth)))
    return WC_PLAN_TRACER;
  if (WC_UNLIKELY(wc_process.config & WC_CONFIG_STACKS) && !wc_stack_fits(WC_SITE_SP(site)))
    return WC_PLAN_TRACER;
  uint32_t first = depth;
  while (first > 0 && !(slot->scopes[first - 1].flags & WC_SCOPE_REPORTED)) first--;
  uint64_t tsc = wc_ticks();
  for (; first < depth; first++) wc_record_call(slot, &slot->scopes[first], site, tsc);
  site->tsc = tsc;
  site->generation = wc_thread.generation;
  push_pending(slot, site, slot->scopes[depth - 1].seq);
  return WC_PLAN_RECORD;
}

static void append_syscall(struct wc_slot *slot, const struct wc_pending *pending, uint32_t type,
                           uint64_t ret, uint64_t tsc, const wc_piece *pieces, uint32_t count) {
  struct wc_record_body *body = wc_begin_record(slot, pieces, count);
  if (body == NULL) return;
  wc_record_of(body)->seq = pending->seq;
  wc_record_of(body)->ret = ret;
  wc_record_of(body)->tsc = tsc;
  body->place = pending->tsc;
  body->what = pending->nr;
  for (int i = 0; i < 6; i++) body->args[i] = pending->args[i];
  wc_end_record(slot, body, type);
}

__attribute__((visibility("hidden"))) void wc_site_exit(struct wc_site *site) {
  uint64_t tsc = wc_ticks();
  struct wc_slot *slot = wc_thread.slot;
  /* A handler that had interrupted the syscall has forked, and this is the child; or the tracer is
   * gone. */
  if (WC_UNLIKELY(site->generation != wc_process.in_process ||
                  site->generation != wc_thread.generation))
    return;
  wc_piece pieces[WC_CAPTURES + WC_STACK_PIECES];
  uint32_t count = wc_measure_syscall(site, pieces), type = WC_RECORD_SYSCALL;
  struct wc_stack_registers registers;
  if (WC_UNLIKELY(wc_process.config & WC_CONFIG_STACKS)) {
    registers = (struct wc_stack_registers){site->back, WC_SITE_SP(site), site->bp};
    type |= add_stack(&registers, pieces, &count);
  }
  const struct wc_pending *pending = &slot->pending[site->pending % WC_PENDING];
  /* A scope that is gone has told of it already: the program switches stacks. */
  if (WC_LIKELY(slot->pending_depth > site->pending)) {
    append_syscall(slot, pending, type, site->ret, tsc, pieces, count);
    slot->pending_depth = site->pending;
  }
}

void wc_drop_pending(struct wc_slot *slot, const struct wc_scope *scope) {
  while (slot->pending_depth > 0) {
    const struct wc_pending *last = &slot->pending[(slot->pending_depth - 1) % WC_PENDING];
    if (last->seq != scope->seq) return;
    append_syscall(slot, last, WC_RECORD_SYSCALL | WC_RECORD_NO_RESULT, 0, wc_ticks(), NULL, 0);
    slot->pending_depth--;
  }
}

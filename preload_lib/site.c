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

/* Returns enum wc_plan_action. */
__attribute__((visibility("hidden"))) uint32_t wc_site_enter(struct wc_site *site) {
  struct wc_slot *slot = wc_thread.slot;
  if (WC_UNLIKELY(slot == NULL || wc_thread.generation != wc_process.in_process ||
                  slot->gate_open || site->nr >= WC_PLANNED_SYSCALLS))
    return WC_PLAN_TRACER;
  uint32_t action = wc_process.shared->plans[site->nr].action;
  if (action != WC_PLAN_RECORD) return action;
  uint32_t depth = slot->depth;
  if (WC_UNLIKELY(depth == 0 || slot->scopes[depth - 1].sp <= (uint64_t)site ||
                  !calls_can_be_recorded(slot, depth)))
    return WC_PLAN_TRACER;
  site->tsc = wc_ticks();
  return WC_PLAN_RECORD;
}

static void record_call(struct wc_slot *slot, struct wc_scope *scope, uint64_t tsc) {
  const struct wc_function *function = &wc_process.functions[scope->function];
  struct wc_piece pieces[WC_FUNCTION_CAPTURES];
  uint32_t count = wc_measure(function->captures, WC_FUNCTION_CAPTURES, 0, scope->args, 0, pieces);
  struct wc_record record = {scope->seq, scope->caller, tsc, WC_RECORD_CALL, 0};
  struct wc_record_body body = {scope->sp, scope->function, count, {0}};
  for (int i = 0; i < 6; i++) body.args[i] = scope->args[i];
  if (wc_append(slot, &record, &body, pieces, count)) scope->flags |= WC_SCOPE_REPORTED;
}

__attribute__((visibility("hidden"))) void wc_site_exit(struct wc_site *site) {
  enum { kLastError = -4095, kFault = -14 };
  uint64_t tsc = wc_ticks();
  struct wc_slot *slot = wc_thread.slot;
  uint32_t depth = slot->depth, first = depth;
  if (WC_UNLIKELY(depth == 0)) return;
  while (first > 0 && !(slot->scopes[first - 1].flags & WC_SCOPE_REPORTED)) first--;
  for (; first < depth; first++) record_call(slot, &slot->scopes[first], site->tsc);

  struct wc_piece pieces[WC_CAPTURES];
  int failed = (int64_t)site->ret < 0 && (int64_t)site->ret >= kLastError;
  uint32_t count = 0;
  if ((int64_t)site->ret != kFault)
    count = wc_measure(wc_process.shared->plans[site->nr].captures, WC_CAPTURES, !failed, site->args,
                       site->ret, pieces);
  struct wc_record record = {slot->scopes[depth - 1].seq, site->ret, tsc, WC_RECORD_SYSCALL, 0};
  struct wc_record_body body = {site->tsc, (uint32_t)site->nr, count, {0}};
  for (int i = 0; i < 6; i++) body.args[i] = site->args[i];
  wc_append(slot, &record, &body, pieces, count);
}

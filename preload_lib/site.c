/*
 * site.c: engine inproc. A syscall issued at a patched site inside an open scope comes here, from
 * wc_site_begin in site.S: it is issued there and recorded, without a stop. What cannot be recorded
 * here goes back to the site's own syscall instruction, where it is dispatched to the tracer.
 */
#include "preload_lib/record.h"
#include "preload_lib/shim.h"

/* Whether every call that is to be reported first can be recorded here. */
static int calls_can_be_recorded(const struct wc_slot *slot, uint32_t depth) {
  for (uint32_t i = depth; i > 0 && !(slot->scopes[i - 1].flags & WC_SCOPE_REPORTED); i--)
    if (wc_is_unreported(&slot->scopes[i - 1]) &&
        wc_process.functions[slot->scopes[i - 1].function].flags & WC_FUNCTION_TRACER)
      return 0;
  return 1;
}

/* What the thread waits in, for the case that it never comes back. A handler's syscalls stand above
 * those that it has interrupted. */
static void push_pending(struct wc_slot *slot, struct wc_site *site, uint64_t seq) {
  uint32_t depth = slot->pending_depth;
  struct wc_pending *pending = &slot->pending[depth % WC_PENDING];
  slot->pending_depth = depth + 1;
  WC_BARRIER();
  pending->end = 0;
  pending->flags = 0;
  pending->tsc = site->tsc;
  pending->nr = (uint32_t)site->nr;
  wc_copy_words(pending->args, site->args);
  site->pending = depth;
  WC_BARRIER();
  pending->seq = seq; /* the last: the tracer may be looking */
}

/* Returns the flag for the record's type. */
static uint32_t add_stack(const struct wc_stack_registers *registers, wc_piece *pieces,
                          uint32_t *count) {
  uint32_t before = *count;
  *count = wc_add_stack(registers, pieces, before);
  return *count != before ? WC_RECORD_STACK : 0;
}

static inline __attribute__((always_inline)) void append_call(struct wc_slot *slot, uint32_t index,
                                                              uint64_t tsc, const wc_piece *pieces,
                                                              uint32_t count, uint32_t type) {
  struct wc_scope *scope = &slot->scopes[index];
  struct wc_record_body *body = wc_begin_record(slot, WC_FRONT_BODY, pieces, count);
  if (body == NULL) return;
  if (WC_UNLIKELY(!wc_is_unreported(scope))) { /* a handler has come in between */
    wc_end_record(slot, body, WC_RECORD_SKIP);
    return;
  }
  wc_record_of(body)->seq = scope->seq;
  wc_record_of(body)->ret = scope->caller;
  wc_record_of(body)->tsc = tsc;
  wc_record_of(body)->error = (int32_t)index;
  body->place = scope->sp;
  body->what = scope->function;
  wc_copy_words(body->args, scope->args);
  wc_end_record(slot, body, type);
  scope->flags |= WC_SCOPE_REPORTED;
}

void wc_record_call(struct wc_slot *slot, uint32_t index, const struct wc_site *site,
                    uint64_t tsc) {
  wc_piece pieces[WC_CALL_PIECES];
  uint32_t count = wc_measure_entry(&slot->scopes[index], site, pieces);
  append_call(slot, index, tsc, pieces, count, WC_RECORD_CALL);
}

static __attribute__((noinline)) void record_call_and_stack(struct wc_slot *slot, uint32_t index,
                                                            const struct wc_site *site,
                                                            uint64_t tsc) {
  const struct wc_scope *scope = &slot->scopes[index];
  wc_piece pieces[WC_CALL_PIECES + WC_STACK_PIECES];
  uint32_t count = wc_measure_entry(scope, site, pieces);
  /* Below its caller's address stands the frame pointer (frame.h). */
  int own = wc_process.functions[scope->function].flags & WC_FUNCTION_OWN;
  struct wc_stack_registers registers = {scope->caller, own ? scope->args[1] : scope->sp + 8,
                                         ((const uint64_t *)scope->sp)[-1]};
  uint32_t flag = add_stack(&registers, pieces, &count);
  append_call(slot, index, tsc, pieces, count, WC_RECORD_CALL | flag);
}

/* The calls that this syscall makes worth reporting, but for the innermost if its record can be one
 * with the syscall's. */
static __attribute__((noinline)) void record_calls(struct wc_slot *slot, uint32_t depth,
                                                   const struct wc_site *site) {
  uint32_t first = depth;
  while (first > 0 && !(slot->scopes[first - 1].flags & WC_SCOPE_REPORTED)) first--;
  uint32_t end = wc_has_no_pieces(&slot->scopes[depth - 1], site) ? depth - 1 : depth;
  for (; first < end; first++) {
    if (WC_UNLIKELY(!wc_is_unreported(&slot->scopes[first]))) continue;
    if (wc_process.config & WC_CONFIG_STACKS)
      record_call_and_stack(slot, first, site, site->tsc);
    else
      wc_record_call(slot, first, site, site->tsc);
  }
}

/* What the tracer has to change (signal_masks.cpp): an action or a mask with one of the gate's
 * signals, or any once the program believes that it has blocked one. */
static __attribute__((noinline)) int concerns_hidden_signals(const struct wc_site *site) {
  enum { kSigtrap = 5, kSigsys = 31, kRtSigaction = 13, kMaskInAction = 24 };
  const uint64_t ours = 1ull << (kSigtrap - 1) | 1ull << (kSigsys - 1);
  if (wc_process.shared->hides_signals) return 1;
  uint64_t at = site->args[1], mask = 0;
  if (site->nr == kRtSigaction) {
    if (site->args[0] == kSigtrap || site->args[0] == kSigsys) return 1;
    if (at != 0) at += kMaskInAction;
  }
  if (at == 0) return 0;
  if (wc_readable(at, sizeof mask) != sizeof mask) return 1;
  wc_copy(&mask, at, sizeof mask);
  return (mask & ours) != 0;
}

/* Of WC_PLAN_SENDER. With MSG_TRUNC, more is returned than was written. */
static int has_no_sender(const struct wc_site *site) {
  enum { kRecvfrom = 45, kTruncates = 0x20 };
  if (site->nr == kRecvfrom) return site->args[4] == 0 && !(site->args[3] & kTruncates);
  return site->args[1] == 0;
}

/* Returns enum wc_plan_action. */
__attribute__((visibility("hidden"))) uint32_t wc_site_enter(struct wc_site *site) {
  struct wc_slot *slot = wc_thread.slot;
  if (WC_UNLIKELY(slot == NULL || wc_thread.generation != wc_process.in_process ||
                  slot->gate_open || site->nr >= WC_PLANNED_SYSCALLS))
    return WC_PLAN_TRACER;
  wc_record_thin_syscall(slot);
  uint32_t action = wc_process.shared->plans[site->nr].action;
  if (action == WC_PLAN_SIGNALS)
    action = concerns_hidden_signals(site) ? WC_PLAN_TRACER : WC_PLAN_RECORD;
  if (action == WC_PLAN_VECTOR)
    action = site->args[2] > WC_VECTOR_PARTS ? WC_PLAN_TRACER : WC_PLAN_RECORD;
  if (action == WC_PLAN_SENDER) action = has_no_sender(site) ? WC_PLAN_RECORD : WC_PLAN_TRACER;
  if (WC_UNLIKELY(action != WC_PLAN_RECORD)) return action;
  if (WC_UNLIKELY(wc_writes_what_it_reads(site))) return WC_PLAN_TRACER;
  uint32_t depth = slot->depth;
  if (WC_UNLIKELY(depth == 0 || slot->scopes[depth - 1].sp <= WC_SITE_SP(site) ||
                  !(slot->scopes[depth - 1].flags & WC_SCOPE_OPEN) ||
                  !calls_can_be_recorded(slot, depth)))
    return WC_PLAN_TRACER;
  if (WC_UNLIKELY(wc_process.config & WC_CONFIG_STACKS) && !wc_stack_fits(WC_SITE_SP(site)))
    return WC_PLAN_TRACER;
  const struct wc_scope *scope = &slot->scopes[depth - 1];
  site->tsc = wc_ticks();
  site->scope = depth - 1;
  site->generation = wc_thread.generation;
  if (!(scope->flags & WC_SCOPE_REPORTED) && (depth > 1 || !wc_has_no_pieces(scope, site)))
    record_calls(slot, depth, site);
  push_pending(slot, site, scope->seq);
  return WC_PLAN_RECORD;
}

/* Apart for the sake of its caller's frame. */
static __attribute__((noinline)) void fill_call(struct wc_record_body *body, struct wc_slot *slot,
                                                const struct wc_scope *scope) {
  struct wc_record_call *call = wc_fill_call(body, scope, (uint32_t)(scope - slot->scopes));
  wc_copy_words((uint64_t *)(call + 1), scope->args);
}

/* The record of a syscall of the call in `scope`, with the call if that is not reported yet. `end`:
 * 0 if it never came back. */
static __attribute__((noinline)) void append_syscall(struct wc_slot *slot,
                                                     const struct wc_pending *pending,
                                                     struct wc_scope *scope, uint64_t end,
                                                     const wc_piece *pieces, uint32_t count) {
  int with_call = !(scope->flags & WC_SCOPE_REPORTED);
  /* A call around it found no room: nothing can be said of this one. */
  int lost = scope->seq != pending->seq ||
             (with_call && scope != slot->scopes && wc_is_unreported(scope - 1));
  struct wc_record_body *body =
      lost ? NULL : wc_begin_record(slot, with_call ? WC_FRONT_CALL : WC_FRONT_BODY, pieces, count);
  if (WC_UNLIKELY(body == NULL)) {
    slot->dropped++;
    return;
  }
  uint32_t type = pending->flags | (with_call ? WC_RECORD_CALL_SYSCALL : WC_RECORD_SYSCALL);
  if (end == 0) {
    type |= WC_RECORD_NO_RESULT;
    end = wc_ticks();
  }
  if (with_call) scope->flags |= WC_SCOPE_REPORTED;
  wc_fill_syscall(body, pending, pending->ret, end);
  if (with_call) fill_call(body, slot, scope);
  wc_end_record(slot, body, type);
}

__attribute__((visibility("hidden"))) void wc_site_exit(struct wc_site *site) {
  uint64_t end = wc_process.config & WC_CONFIG_SYSCALL_TIME ? wc_ticks() : site->tsc;
  struct wc_slot *slot = wc_thread.slot;
  /* A handler that had interrupted the syscall has forked, and this is the child; or the tracer is
   * gone. */
  if (WC_UNLIKELY(site->generation != wc_process.in_process ||
                  site->generation != wc_thread.generation))
    return;
  /* The syscall was recorded already when its scope was closed: the program switches stacks. */
  if (WC_UNLIKELY(slot->pending_depth <= site->pending)) return;
  struct wc_pending *pending = &slot->pending[site->pending % WC_PENDING];
  pending->ret = site->ret;
  wc_piece pieces[WC_CAPTURES + 1 + WC_VECTOR_PARTS + WC_STACK_PIECES];
  uint32_t count = wc_measure_syscall(pending->nr, site->args, site->ret, pieces);
  if (WC_UNLIKELY(wc_process.shared->plans[pending->nr % WC_PLANNED_SYSCALLS].action ==
                  WC_PLAN_VECTOR))
    count += wc_measure_vectors(pending->nr, site->args, site->ret, pieces + count);
  struct wc_stack_registers registers;
  if (WC_UNLIKELY(wc_process.config & WC_CONFIG_STACKS)) {
    registers = (struct wc_stack_registers){wc_site_back(site), WC_SITE_SP(site), site->bp};
    pending->flags = add_stack(&registers, pieces, &count);
  }
  append_syscall(slot, pending, &slot->scopes[site->scope], end, pieces, count);
  slot->pending_depth = site->pending;
}

void wc_record_thin_syscall(struct wc_slot *slot) {
  struct wc_pending *pending = &slot->pending[0];
  if (WC_LIKELY(slot->pending_depth != 1)) return;
  uint64_t end = wc_claim(pending);
  if (end == 0) return;
  wc_piece pieces[WC_CAPTURES];
  uint32_t count = wc_measure_syscall(pending->nr, pending->args, pending->ret, pieces);
  append_syscall(slot, pending, &slot->scopes[0], end, pieces, count);
  slot->pending_depth = 0;
}

void wc_drop_pending(struct wc_slot *slot, uint32_t index) {
  while (slot->pending_depth > 0) {
    struct wc_pending *last = &slot->pending[(slot->pending_depth - 1) % WC_PENDING];
    if (last->seq != slot->scopes[index].seq) break;
    uint64_t end = wc_claim(last);
    /* Without its pieces: there is little stack to spare here. */
    append_syscall(slot, last, &slot->scopes[index], end, NULL, 0);
    slot->pending_depth--;
  }
  /* One that was left before it was filled in. */
  if (index == 0) slot->pending_depth = 0;
}

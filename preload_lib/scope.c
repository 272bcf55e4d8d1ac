/*
 * scope.c: opening and closing scopes, called by entry.S at every wrapped call.
 *
 * Runs on the program's stack, at any moment of its life: before constructors, inside the
 * loader's malloc, in signal handlers, in vfork children. Makes no syscall on the fast path.
 * A signal handler may interrupt any line and run wrapped calls of its own; it leaves
 * `depth` as it found it. What it may overwrite is the scope at `depth`, therefore depth
 * is raised before a scope is filled in, and stored again after.
 */
#include "preload_lib/record.h"
#include "preload_lib/shim.h"

__thread struct wc_thread wc_thread;

static inline struct wc_scope *top(struct wc_slot *slot, uint32_t depth) {
  return &slot->scopes[depth - 1];
}

/* Its end is reported. What is counted by `depth` next in its place is filled in after that, and
 * must not pass for reported meanwhile. */
static inline void forget(struct wc_scope *scope) {
  WC_BARRIER();
  scope->flags = 0;
  WC_BARRIER();
}

static __attribute__((noinline, cold)) uint32_t pop_unwound(struct wc_slot *slot, uint32_t depth) {
  wc_drop_pending(slot, depth - 1);
  if (wc_close_scope(top(slot, depth))) wc_append_unwound(slot, top(slot, depth)->seq);
  forget(top(slot, depth));
  slot->depth = depth - 1;
  return depth - 1;
}

/* Returns whether `sp` lies on the alternate signal stack and `other` does not. Such addresses
 * cannot be compared: the alternate stack may be above live frames of the interrupted stack. */
static __attribute__((noinline, cold)) int stands_apart(uint64_t sp, uint64_t other) {
  enum { kOnStack = 1, kSigaltstack = 131 };
  struct {
    uint64_t low;
    int32_t flags;
    uint64_t size;
  } alternate = {0, 0, 0};
  wc_sys2(kSigaltstack, 0, (long)&alternate);
  return alternate.flags & kOnStack && sp - alternate.low < alternate.size &&
         other - alternate.low >= alternate.size;
}

/* The program left these scopes by longjmp, an exception or cancellation: their frames are gone. */
static __attribute__((noinline, cold)) uint32_t pop_dead(struct wc_slot *slot, uint32_t depth,
                                                         uint64_t sp) {
  while (depth > 0 && top(slot, depth)->sp <= sp && !stands_apart(sp, top(slot, depth)->sp))
    depth = pop_unwound(slot, depth);
  return depth;
}

void wc_bell(struct wc_slot *slot, uint32_t want) {
  slot->gate_want = want;
  WC_BARRIER();
  if (wc_process.state != WC_READY) return;
  if (wc_process.gate == WC_GATE_SOCKET) {
    wc_ring_socket(slot, want == slot->gate_open ? WC_LOOK : want ? WC_SCOPE_BEGIN : WC_SCOPE_END);
  } else {
    /* Our own text is outside of every scope: with dispatch on, nothing here is dispatched. */
    wc_bell_trap(slot->index, 0, 0);
    wc_keep_ignoring();
  }
  WC_BARRIER();
}

/* A shadow stack holds the return addresses of calls: a `ret` that stands elsewhere is a fault. The
 * instruction does nothing where there is none. */
static inline int has_shadow_stack(void) {
  uint64_t top = 0;
  __asm__ volatile("rdsspq %0" : "+r"(top));
  return top != 0;
}

/* wc_entry_caller: a byte `ret` (0xc3) in the same module as the return address, because some
 * function ends there. Looked for in the page of the return address: the next may be anything. 0:
 * there is none. Code that may be executed and not read has none either. */
__attribute__((visibility("hidden"))) uint64_t wc_find_ret(struct wc_frame *frame) {
  uint64_t page = frame->caller & -(uint64_t)WC_PAGE;
  uint64_t at = frame->caller, end = page + WC_PAGE;
  uint8_t code[32];
  frame->gadget = 0;
  if (has_shadow_stack()) return 0;
  for (unsigned part = 0; part < 2; part++, at = page, end = frame->caller) {
    while (at < end) {
      uint64_t size = end - at < sizeof code ? end - at : sizeof code;
      uint64_t known = wc_copy(code, at, size);
      for (uint64_t i = 0; i < known; i++)
        if (code[i] == 0xc3) return frame->gadget = at + i;
      if (known < size) return 0;
      at += size;
    }
  }
  return 0;
}

static inline uint32_t flags_of(const struct wc_function *function) {
  return (function->flags & WC_SCOPE_THIN) | WC_SCOPE_OPEN;
}

/* Fills in scope number `depth`. See the head of this file for the order of the stores. */
static inline void push(struct wc_slot *slot, uint32_t depth, struct wc_frame *frame, uint64_t sp,
                        uint32_t flags) {
  slot->depth = depth + 1;
  WC_BARRIER();
  struct wc_scope *scope = &slot->scopes[depth];
  scope->seq = ++slot->next_seq;
  scope->sp = sp;
  scope->caller = frame->caller;
  scope->args[0] = frame->args[0];
  scope->args[1] = frame->args[1];
  scope->args[2] = frame->args[2];
  scope->args[3] = frame->args[3];
  scope->args[4] = frame->args[4];
  scope->args[5] = frame->args[5];
  scope->function = frame->function->index;
  WC_BARRIER();
  scope->flags = flags;
  slot->depth = depth + 1;
  frame->slot = slot;
  frame->index = depth;
  frame->generation = wc_thread.generation;
}

/* What a new scope asks for beside being there. Returns `real`, so that it takes the frame of its
 * caller: stacks are small. */
static __attribute__((noinline)) uint64_t open_slowly(struct wc_slot *slot, uint32_t depth,
                                                      uint32_t flags, uint64_t real) {
  uint32_t config = wc_process.config;
  if (config & WC_CONFIG_CALL_TIME) slot->scopes[depth].tsc = wc_ticks();
  WC_BARRIER();
  int all = (config & WC_CONFIG_ALL_CALLS) != 0;
  /* With its stack it would take more of the program's than there may be: the tracer's. */
  if (all && config & WC_CONFIG_IN_PROCESS && !(config & WC_CONFIG_STACKS) &&
      !(flags & WC_FUNCTION_TRACER)) {
    wc_record_call(slot, depth, NULL, wc_ticks());
    all = 0;
  }
  int opens = !(flags & WC_FUNCTION_PURE);
  if (wc_process.gate == WC_GATE_DISPATCH) {
    if (all) wc_bell(slot, 0);
    WC_BARRIER();
    if (opens) wc_thread.selector = 1;
  } else if (all) {
    wc_bell(slot, 1);
  } else if (opens && !slot->gate_open) {
    wc_bell(slot, 1);
  }
  return real;
}

static inline struct wc_counter *counter_of(struct wc_slot *slot,
                                            const struct wc_function *function) {
  return (struct wc_counter *)(wc_slot_ring(slot) + wc_process.ring_mask + 1) + function->index;
}

static __attribute__((noinline, cold)) void count(struct wc_slot *slot,
                                                  const struct wc_scope *scope,
                                                  const struct wc_function *function) {
  counter_of(slot, function)->calls++;
  counter_of(slot, function)->ticks += wc_ticks() - scope->tsc;
}

/* Everything that a plain call under gate dispatch does not need. `sp`: the scope's stack pointer.
 */
__attribute__((visibility("hidden"))) uint64_t wc_enter_at(struct wc_frame *frame, uint64_t sp) {
  struct wc_function *function = frame->function;
  uint64_t real = function->real != 0 ? function->real : wc_resolve(function);
  struct wc_slot *slot = wc_thread.slot;
  frame->slot = NULL;
  if (WC_UNLIKELY(function->is_off == WC_OFF)) return real;
  if (wc_process.state != WC_READY || slot == NULL ||
      wc_thread.generation != wc_process.generation) {
    if (!wc_attach_thread()) return real;
    slot = wc_thread.slot;
  }
  uint32_t depth = slot->depth;
  if (depth > 0 && top(slot, depth)->sp <= sp) depth = pop_dead(slot, depth, sp);
  if (WC_UNLIKELY(depth > 0 && slot->scopes[0].flags & WC_SCOPE_SKIPPED)) {
    if (wc_process.config & WC_CONFIG_COUNTS) counter_of(slot, function)->calls++;
    return real;
  }
  if (depth >= WC_MAX_SCOPES) {
    slot->overflow++;
    return real;
  }
  if (WC_UNLIKELY(function->is_off >= WC_SAMPLED && depth == 0 && !wc_is_sampled(slot, function))) {
    push(slot, 0, frame, sp, WC_SCOPE_SKIPPED);
    if (wc_process.config & WC_CONFIG_CALL_TIME) slot->scopes[0].tsc = wc_ticks();
    return real;
  }
  push(slot, depth, frame, sp, flags_of(function));
  return open_slowly(slot, depth, function->flags, real);
}

/* One comparison stands for: attached, no forked child, gate dispatch, nothing asked for that
 * costs more (see wc_process.fast). */
__attribute__((visibility("hidden"))) uint64_t wc_enter(struct wc_frame *frame) {
  struct wc_function *function = frame->function;
  struct wc_slot *slot = wc_thread.slot;
  uint64_t real = function->real, sp = (uint64_t)&frame->caller;
  if (WC_UNLIKELY(slot == NULL || wc_thread.generation != wc_process.fast || real == 0 ||
                  function->is_off ||
                  (slot->depth > 0 && slot->scopes[0].flags & WC_SCOPE_SKIPPED)))
    return wc_enter_at(frame, sp);
  uint32_t depth = slot->depth;
  if (WC_UNLIKELY(depth > 0 && (depth >= WC_MAX_SCOPES || top(slot, depth)->sp <= sp)))
    return wc_enter_at(frame, sp);
  push(slot, depth, frame, sp, flags_of(function));
  WC_BARRIER();
  if (!(function->flags & WC_FUNCTION_PURE)) wc_thread.selector = 1;
  return real;
}

static uint64_t errno_location;

void wc_prepare_scopes(void) {
  if (errno_location == 0) errno_location = wc_lookup("__errno_location", "");
}

/* errno as the call left it; 0 where the result is neither -1 nor NULL and says that there is none.
 */
static inline int32_t errno_after(uint64_t ret) {
  if (ret != 0 && (int32_t)ret != -1) return 0;
  return errno_location == 0 ? 0 : *((int32_t * (*)(void)) errno_location)();
}

/* Engine inproc: with what the call has written. 0: that takes the tracer, or there is nothing. */
static __attribute__((noinline)) int record_return(struct wc_frame *frame,
                                                   const struct wc_scope *scope, int32_t error) {
  wc_piece pieces[WC_FUNCTION_CAPTURES];
  uint32_t count = wc_measure_return(scope, frame->ret, pieces);
  if (count == 0) return 0;
  struct wc_record_body *body = wc_begin_record(frame->slot, WC_FRONT_BODY, pieces, count);
  if (body == NULL) return 0; /* no room for the pieces: without them */
  wc_record_of(body)->seq = scope->seq;
  wc_record_of(body)->ret = frame->ret;
  wc_record_of(body)->tsc = wc_ticks();
  wc_record_of(body)->error = error;
  wc_end_record(frame->slot, body, WC_RECORD_RETURN | WC_RECORD_CAPTURES);
  return 1;
}

static inline void report_return(struct wc_frame *frame, const struct wc_scope *scope) {
  int32_t error = errno_after(frame->ret);
  if (wc_process.in_process != 0 && frame->function->captures[0].kind_unit != 0 &&
      record_return(frame, scope, error))
    return;
  uint64_t tsc = wc_process.config & WC_CONFIG_CALL_TIME ? wc_ticks() : 0;
  wc_append_return(frame->slot, scope->seq, frame->ret, tsc, error);
}

/* The values that the call has left in memory are read by the tracer. */
static int tracer_reads_values(const struct wc_function *function) {
  return function->flags & WC_FUNCTION_RETURN_BELL ||
         (function->captures[0].kind_unit != 0 && wc_process.in_process == 0);
}

static uint64_t scope_sp(const struct wc_frame *frame) {
  return frame->function->flags & WC_FUNCTION_OWN ? ((const struct wc_own_frame *)frame)->sp
                                                  : (uint64_t)&frame->caller;
}

static __attribute__((noinline)) void leave_slowly(struct wc_frame *frame) {
  struct wc_slot *slot = frame->slot;
  if (wc_process.state != WC_READY || frame->generation != wc_process.generation ||
      slot != wc_thread.slot)
    return; /* a forked child, or the tracer is gone */
  uint32_t index = frame->index;
  uint32_t depth = slot->depth;
  struct wc_scope *scope = &slot->scopes[index];
  /* Popped in our absence: the program switched stacks. */
  if (depth <= index || scope->sp != scope_sp(frame)) return;
  while (depth > index + 1) depth = pop_unwound(slot, depth);
  uint32_t config = wc_process.config;
  if (config & WC_CONFIG_COUNTS) count(slot, scope, frame->function);
  /* What follows until the scope is closed is ours and must not be dispatched. */
  if (index == 0) wc_thread.selector = 0;
  wc_record_thin_syscall(slot);
  int reported = wc_close_scope(scope);
  if (reported) report_return(frame, scope);
  forget(scope);
  slot->depth = index;
  WC_BARRIER();
  if (index == 0 && slot->gate_open && !(config & WC_CONFIG_OPEN_GATE))
    wc_bell(slot, 0);
  else if (reported && ((config & WC_CONFIG_ALL_CALLS && !(config & WC_CONFIG_IN_PROCESS)) ||
                        tracer_reads_values(frame->function)))
    wc_bell(slot, slot->gate_open);
}

__attribute__((visibility("hidden"))) void wc_leave(struct wc_frame *frame) {
  struct wc_slot *slot = frame->slot;
  if (WC_UNLIKELY(slot == NULL)) return;
  uint32_t index = frame->index;
  if (WC_UNLIKELY(frame->generation != wc_process.fast || slot != wc_thread.slot ||
                  slot->depth != index + 1 || slot->gate_open ||
                  slot->scopes[index].flags & WC_SCOPE_REPORTED ||
                  slot->scopes[index].sp != (uint64_t)&frame->caller)) {
    leave_slowly(frame);
    return;
  }
  if (slot->pending_depth != 0 && index == 0) {
    if (WC_UNLIKELY(slot->pending_depth != 1 || slot->pending[0].end == 0 ||
                    slot->pending[0].seq != slot->scopes[0].seq)) {
      leave_slowly(frame);
      return;
    }
    wc_thread.selector = 0; /* before the record: what it takes is ours */
    if (WC_UNLIKELY(!wc_record_thin_call(slot, frame->ret, errno_after(frame->ret)))) {
      leave_slowly(frame);
      return;
    }
    forget(&slot->scopes[index]);
  } else if (WC_UNLIKELY(wc_close_scope(&slot->scopes[index]))) {
    leave_slowly(frame);
    return;
  }
  slot->depth = index;
  WC_BARRIER();
  if (index == 0) wc_thread.selector = 0;
}

/* wc_entry_caller. What dlsym has found is called through its stub. */
__attribute__((visibility("hidden"))) void wc_leave_caller(struct wc_frame *frame) {
  const uint64_t next = (uint64_t)-1; /* RTLD_NEXT: asked for by who stands in front of another */
  wc_leave(frame);
  if (frame->function->flags & WC_FUNCTION_SYMBOL && frame->ret != 0 && frame->args[0] != next)
    frame->ret = wc_stub_of((const char *)frame->args[1], frame->ret);
}

/* execl and its kin. The arguments after the path, up to NULL, stand in rsi..r9 and then on the
 * stack. */
static uint64_t *exec_word(struct wc_frame *frame, uint64_t i) {
  if (i < 5) return &frame->args[1 + i];
  return (uint64_t *)(&frame->caller + 1) + (i - 5);
}

/* Counted with the closing NULL. */
__attribute__((visibility("hidden"))) uint64_t wc_exec_words(struct wc_frame *frame) {
  uint64_t n = 0;
  while (*exec_word(frame, n) != 0) n++;
  return n + 1;
}

/* Fills the vector; returns the word behind NULL, which is execle's environment. */
__attribute__((visibility("hidden"))) uint64_t wc_exec_vector(struct wc_frame *frame,
                                                              uint64_t *vector) {
  uint64_t n = 0;
  do vector[n] = *exec_word(frame, n);
  while (vector[n++] != 0);
  return *exec_word(frame, n);
}

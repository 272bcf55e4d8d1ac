/*
 * own_scope.c: scopes that the program names itself (wc/scope.h). Each name gets one of the rows
 * that stand behind the stub library's functions; from there on such a scope is a call like any
 * other. The guard that the program gives is the frame.
 */
#include "preload_lib/shim.h"

enum { kGuardSize = 24 * 8 }; /* struct wc_scope_guard */
WC_STATIC_ASSERT(sizeof(struct wc_own_frame) <= kGuardSize, "a guard holds a frame");

/* Whether `c` is among the characters of the list that begins at `*pattern`, behind its '['; moves
 * on behind its ']'. The tracer has checked that there is one. */
static int is_listed(const char **pattern, const char *end, char c) {
  const char *p = *pattern;
  const int is_not = p < end && *p == '!';
  if (is_not) p++;
  int found = 0;
  for (const char *first = p; p < end && (*p != ']' || p == first); p++) {
    if (p + 2 < end && p[1] == '-' && p[2] != ']') {
      found |= p[0] <= c && c <= p[2];
      p += 2;
    } else {
      found |= *p == c;
    }
  }
  *pattern = p < end ? p + 1 : p;
  return found != is_not;
}

/* A glob of the selection: * ? [a-z] [!a-z]. As catalog/glob.cpp has it. */
static int matches(const char *pattern, const char *end, const char *name) {
  const char *star = NULL, *retry = NULL;
  while (*name != '\0') {
    const char *next = pattern;
    if (pattern < end && *pattern == '*') {
      star = ++pattern;
      retry = name;
      continue;
    }
    if (pattern < end) next = pattern + 1;
    const int fits =
        pattern < end &&
        (*pattern == '?' || (*pattern == '[' ? is_listed(&next, end, *name) : *pattern == *name));
    if (fits) {
      pattern = next;
      name++;
    } else if (star != NULL) {
      pattern = star;
      name = ++retry;
    } else {
      return 0;
    }
  }
  while (pattern < end && *pattern == '*') pattern++;
  return pattern == end;
}

/* Terms apply from left to right; a list that begins with an exclusion begins with all of them. */
static int is_selected(const struct wc_stubs *stubs, const char *name) {
  const char *at = (const char *)stubs->strings + stubs->scopes;
  int selected = *at == '\0' || at[1] == '!';
  while (*at == ',') {
    const char *begin = at + 1, *end = begin;
    while (*end != '\0' && *end != ',') end++;
    const int excludes = *begin == '!';
    if (matches(begin + excludes, end, name)) selected = !excludes;
    at = end;
  }
  return selected;
}

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
    row->is_off = !is_selected(stubs, (const char *)name);
    if (wc_process.shared->own_scopes[number] == name) return row;
    /* Before its address, which says that it is there. */
    wc_copy(wc_process.shared->own_scope_names[number], name, WC_SCOPE_NAME);
    __atomic_store_n(&wc_process.shared->own_scopes[number], name, __ATOMIC_RELEASE);
    return row;
  }
  return NULL;
}

static int is_attached(void) {
  return (wc_process.state == WC_READY && wc_thread.slot != NULL &&
          wc_thread.generation == wc_process.generation) ||
         wc_attach_thread();
}

/* The stack pointer of a scope whose guard may lie elsewhere than on the thread's stack. `stack`:
 * the caller's, a multiple of 16. The guard's own place serves where it is on the stack. Else the
 * scopes of one function count down from `stack` + 7, below the function's return address; one that
 * the same statement has opened before was left when its coroutine was suspended. */
static uint64_t place_of(const struct wc_frame *frame, uint64_t stack) {
  enum { kLargestFrame = 1 << 16, kScopes = 7 };
  const uint64_t guard = (uint64_t)&frame->caller;
  if (guard - stack < kLargestFrame) return guard;
  const struct wc_slot *slot = wc_thread.slot;
  if (slot->depth == 0) return stack + kScopes;
  const struct wc_scope *top = &slot->scopes[slot->depth - 1];
  if (top->sp <= stack || top->sp > stack + kScopes) return stack + kScopes;
  const int is_again = top->caller == frame->caller || top->sp == stack + 1;
  return is_again ? top->sp : top->sp - 1;
}

__attribute__((visibility("default"))) void wc_scope_enter_v1(struct wc_frame *frame,
                                                              const char *name) {
  frame->slot = NULL;
  if (name == NULL || !is_attached()) return;
  frame->function = row_of((uint64_t)name);
  if (frame->function == NULL || frame->function->is_off) return;
  const uint64_t *here = __builtin_frame_address(0);
  frame->args[0] = (uint64_t)name;
  frame->args[1] = (uint64_t)(here + 2); /* the caller's stack pointer, for stacks */
  for (int i = 2; i < 6; i++) frame->args[i] = 0;
  frame->rbp = here[0];
  frame->caller = here[1];
  struct wc_own_frame *own = (struct wc_own_frame *)frame;
  own->sp = place_of(frame, (uint64_t)(here + 2));
  wc_enter_at(frame, own->sp);
  if (frame->slot != NULL) own->seq = frame->slot->scopes[frame->index].seq;
}

__attribute__((visibility("default"))) void wc_scope_leave_v1(struct wc_frame *frame) {
  const struct wc_own_frame *own = (const struct wc_own_frame *)frame;
  if (frame->slot == NULL || frame->slot != wc_thread.slot ||
      frame->slot->scopes[frame->index].seq != own->seq)
    return;
  frame->ret = 0;
  wc_leave(frame);
}

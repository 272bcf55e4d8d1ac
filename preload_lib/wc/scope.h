/*
 * wc/scope.h: scopes of your own, for programs that are looked at with wc-preload.
 *
 * A scope is a named stretch of a thread's work. Under wc-preload it behaves like a call of a
 * wrapped function of that name: system calls inside are reported under it, it nests with wrapped
 * calls, summaries count it. Without wc-preload, or in a statically linked program, it costs one
 * load and one branch that is never taken, and there is nothing to link.
 *
 *   C++:  void parse() {
 *           wc::scope scope("parse");            to the end of the block, by return or exception
 *           ...
 *   C:    void parse(void) {
 *           WC_SCOPE("parse");                   the same (gcc and clang: attribute cleanup)
 *           ...
 *   or:     struct wc_scope_guard guard;
 *           wc_scope_begin(&guard, "parse");
 *           ...
 *           wc_scope_end(&guard);                on the same thread, innermost first
 *
 * Names must stay where they are as long as the program runs: string literals do. A process may
 * use 64 of them; scopes of further names are not reported. What longjmp or an exception jumps over
 * is ended where the jump leaves the block's function; where it stays in that function, call
 * wc_scope_end() yourself. A guard must not be copied or moved.
 *
 * C11 or C++11, gcc or clang, x86-64 Linux; elsewhere all of this compiles to nothing.
 */
#ifndef WC_SCOPE_H
#define WC_SCOPE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Filled in by the tracer's library only; stays uninitialised without it. */
struct wc_scope_guard {
  uint64_t opaque[24];
};

#if defined(__x86_64__) && defined(__linux__) && defined(__LP64__)

/* The preloaded library exports these two. The reference is weak, and goes by the global offset
 * table in every code model: a weak symbol's address that is built into the code of a program that
 * is not position-independent would be settled as 0 by the linker. */
__asm__(".weak wc_scope_enter_v1\n\t.weak wc_scope_leave_v1");

static inline __attribute__((always_inline)) void wc_scope_begin(struct wc_scope_guard *guard,
                                                                 const char *name) {
  void (*enter)(struct wc_scope_guard *, const char *);
  __asm__("movq wc_scope_enter_v1@GOTPCREL(%%rip), %0" : "=r"(enter));
  if (__builtin_expect(enter != 0, 0)) enter(guard, name);
}

static inline __attribute__((always_inline)) void wc_scope_end(struct wc_scope_guard *guard) {
  void (*leave)(struct wc_scope_guard *);
  __asm__("movq wc_scope_leave_v1@GOTPCREL(%%rip), %0" : "=r"(leave));
  if (__builtin_expect(leave != 0, 0)) leave(guard);
}

#else

static inline void wc_scope_begin(struct wc_scope_guard *guard, const char *name) {
  (void)guard;
  (void)name;
}
static inline void wc_scope_end(struct wc_scope_guard *guard) { (void)guard; }

#endif

#define WC_SCOPE_JOIN2(a, b) a##b
#define WC_SCOPE_JOIN(a, b) WC_SCOPE_JOIN2(a, b)
#define WC_SCOPE(name)                                           \
  struct wc_scope_guard WC_SCOPE_JOIN(wc_scope_guard_, __LINE__) \
      __attribute__((cleanup(wc_scope_end)));                    \
  wc_scope_begin(&WC_SCOPE_JOIN(wc_scope_guard_, __LINE__), (name))

#ifdef __cplusplus
}

namespace wc {

class scope {
 public:
  __attribute__((always_inline)) explicit scope(const char *name) { wc_scope_begin(&guard_, name); }
  __attribute__((always_inline)) ~scope() { wc_scope_end(&guard_); }
  scope(const scope &) = delete;
  scope &operator=(const scope &) = delete;

 private:
  wc_scope_guard guard_;
};

}  // namespace wc
#endif

#endif

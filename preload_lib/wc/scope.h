/*
 * wc/scope.h: scopes of your own, for programs that you trace with wc-preload.
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
 * C++20 coroutines: while a scope is open, await through it. The scope is then closed while the
 * coroutine is suspended, and opened again on the thread that resumes the coroutine:
 *           co_await scope.over(something);      in place of co_await something
 * With a plain co_await, the tracer takes the scope for open until it next sees the thread outside
 * of the coroutine.
 *
 * A name must stay where it is as long as the program runs, as string literals do. A process may
 * use 64 names; scopes of further names are not reported. A scope ends when longjmp or an exception
 * leaves the function that holds the guard. If longjmp leaves the block but stays in the function,
 * call wc_scope_end() yourself. A guard must not be copied or moved.
 *
 * C11 or C++11, gcc or clang, x86-64 Linux; elsewhere all of this compiles to nothing.
 */
#ifndef WC_SCOPE_H
#define WC_SCOPE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Only the tracer's library writes into a guard; without it the guard stays uninitialised. */
struct wc_scope_guard {
  uint64_t opaque[24];
};

#if defined(__x86_64__) && defined(__linux__) && defined(__LP64__)

/* The preloaded library exports these two. The reference is weak, and read from the global offset
 * table in every code model: in a program that is not position-independent, the linker would
 * replace the address of a weak symbol in the code by 0. */
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
  __attribute__((always_inline)) explicit scope(const char *name) : name_(name) { begin(); }
  __attribute__((always_inline)) ~scope() { end(); }
  scope(const scope &) = delete;
  scope &operator=(const scope &) = delete;

#ifdef __cpp_impl_coroutine
  // If the promise has an await_transform, it gets the object that over() returns, not `awaitable`.
  template <class Awaitable>
  auto over(Awaitable &&awaitable);
#endif

 private:
#ifdef __cpp_impl_coroutine
  template <class Awaiter>
  friend class scope_pause;
#endif
  __attribute__((always_inline)) void begin() { wc_scope_begin(&guard_, name_); }
  __attribute__((always_inline)) void end() { wc_scope_end(&guard_); }

  wc_scope_guard guard_;
  const char *name_;
};

#ifdef __cpp_impl_coroutine

// Awaits what `Awaiter` does, with the scope closed meanwhile.
template <class Awaiter>
class scope_pause {
 public:
  scope_pause(scope &paused, Awaiter &&awaiter)
      : scope_(paused), awaiter_(static_cast<Awaiter &&>(awaiter)) {}
  scope_pause(const scope_pause &) = delete;
  scope_pause &operator=(const scope_pause &) = delete;

  bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }
  template <class Handle>
  auto await_suspend(Handle handle) {
    // Close the scope first: after await_suspend the coroutine may run on another thread, or be
    // gone.
    is_paused_ = true;
    scope_.end();
    return awaiter_.await_suspend(handle);
  }
  // Inline, so that the scope is opened in the coroutine and not in a function that returns at
  // once.
  __attribute__((always_inline)) decltype(auto) await_resume() {
    if (is_paused_) scope_.begin();
    return awaiter_.await_resume();
  }

 private:
  scope &scope_;
  Awaiter awaiter_;
  bool is_paused_ = false;
};

template <class Awaitable>
auto scope::over(Awaitable &&awaitable) {
  if constexpr (requires { static_cast<Awaitable &&>(awaitable).operator co_await(); }) {
    using Awaiter = decltype(static_cast<Awaitable &&>(awaitable).operator co_await());
    return scope_pause<Awaiter>(*this, static_cast<Awaitable &&>(awaitable).operator co_await());
  } else if constexpr (requires { operator co_await(static_cast<Awaitable &&>(awaitable)); }) {
    using Awaiter = decltype(operator co_await(static_cast<Awaitable &&>(awaitable)));
    return scope_pause<Awaiter>(*this, operator co_await(static_cast<Awaitable &&>(awaitable)));
  } else {
    return scope_pause<Awaitable>(*this, static_cast<Awaitable &&>(awaitable));
  }
}

#endif

}  // namespace wc
#endif

#endif

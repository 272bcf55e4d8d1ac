// Scopes of coroutines: of some that run in turn, move between threads, hold two at once, and end
// while others are open. Every getppid stands in the scope that its comment names.
#include <sys/syscall.h>
#include <unistd.h>

#include <coroutine>
#include <cstdio>
#include <exception>
#include <thread>
#include <utility>

#include "wc/scope.h"

struct Task {
  struct promise_type {
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

static void work() { syscall(SYS_getppid); }

static Task plain() {
  WC_SCOPE("plain");
  work();  // plain
  co_await std::suspend_always{};
  work();  // none: it was left when it was suspended
}

static Task over(const char *) {
  wc::scope scope("over");
  work();  // over
  co_await scope.over(std::suspend_always{});
  work();  // over
  {
    wc::scope inner("inner");
    work();  // over, inner
    work();  // over, inner
  }
  co_await scope.over(std::suspend_always{});
  co_await scope.over(std::suspend_never{});
  work();  // over
}

static void outside() {
  wc::scope scope("outside");
  work();  // outside
}

int main() {
  Task a = plain(), b = plain();
  a.handle.resume();
  b.handle.resume();
  work();  // none
  a.handle.resume();
  outside();
  b.handle.resume();
  a.handle.destroy();
  b.handle.destroy();

  Task c = over("c"), d = over("d");
  c.handle.resume();
  d.handle.resume();
  work();  // none
  std::thread([&] { c.handle.resume(); }).join();
  outside();
  d.handle.resume();
  c.handle.resume();
  std::thread([&] { d.handle.resume(); }).join();
  c.handle.destroy();
  d.handle.destroy();
  work();  // none
  puts("done");
  return 0;
}

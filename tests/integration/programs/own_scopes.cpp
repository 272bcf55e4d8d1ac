// Scopes that the program names itself, in all the ways to enter and leave one.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wc/scope.h>

#include <stdexcept>
#include <thread>
#include <vector>

static void say(const char *word) { write(1, word, strlen(word)); }

static void nested() {
  wc::scope outer("outer");
  say("in outer\n");
  {
    wc::scope inner("inner");
    say("in inner\n");
  }
  say("in outer again\n");
}

static int compare(const void *, const void *) {
  wc::scope scope("comparing");
  say("comparing\n");
  return 0;
}
static void below_a_wrapped_call() {
  int numbers[2] = {2, 1};
  qsort(numbers, 2, sizeof numbers[0], compare);
}

static jmp_buf target;
static void jumper() {
  wc::scope scope("jumped out of");
  say("jumping\n");
  longjmp(target, 1);
}
static void longjmp_past() {
  if (setjmp(target) == 0) jumper();
}

static void thrower() {
  wc::scope scope("thrown out of");
  say("throwing\n");
  throw std::runtime_error("x");
}

static void threads() {
  std::vector<std::thread> all;
  for (int i = 0; i < 4; i++)
    all.emplace_back([] {
      for (int n = 0; n < 10; n++) {
        wc::scope scope("in a thread");
        syscall(SYS_getppid);
      }
    });
  for (std::thread &one : all) one.join();
}

static void forks() {
  wc::scope scope("around fork");
  if (fork() == 0) {
    {
      wc::scope child("in the child");
      say("child\n");
    }
    _exit(0);
  }
  wait(nullptr);
}

// Inside of no wrapped function.
static void bare_syscall() {
  wc::scope scope("bare");
  long result = SYS_getppid;
  asm volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
}

static void in_c_style() {
  WC_SCOPE("by macro");
  struct wc_scope_guard guard;
  wc_scope_begin(&guard, "by hand");
  say("by hand\n");
  wc_scope_end(&guard);
  say("by macro\n");
}

static void handler(int) {
  wc::scope scope("in a handler");
  say("handler\n");
}

static void many_names() {
  static char names[200][16];
  for (int i = 0; i < 200; i++) {
    snprintf(names[i], sizeof names[i], "name %d", i);
    wc::scope scope(names[i]);
    syscall(SYS_getppid);
  }
}

int main(int argc, char **) {
  nested();
  below_a_wrapped_call();
  longjmp_past();
  say("after longjmp\n");
  try {
    thrower();
  } catch (const std::runtime_error &) {
  }
  say("after exception\n");
  threads();
  forks();
  bare_syscall();
  in_c_style();
  signal(SIGUSR1, handler);
  raise(SIGUSR1);
  if (argc > 1) many_names();
  return 0;
}

// Syscalls below stacks of every kind, each in a function that the test knows by name. Each prints
// a word first, so that its line can be found.
#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <stdexcept>

static void say(const char *word) { write(1, word, strlen(word)); }

namespace shapes {
template <typename T>
struct Box {
  void open(T) { say("demangled\n"); }
};
}  // namespace shapes

static int compare(const void *, const void *) {
  say("callback\n");
  return 0;
}
static void callback() {
  int numbers[2] = {2, 1};
  qsort(numbers, 2, sizeof numbers[0], compare);
}

static void recurse(int depth) {
  if (depth > 0)
    recurse(depth - 1);
  else
    say("recursion\n");
  asm volatile("");
}

static void with_alloca(size_t size) {
  memset(alloca(size), 1, size);
  say("alloca\n");
}

static void *in_thread(void *) {
  say("thread\n");
  return nullptr;
}
static void thread() {
  pthread_t id;
  pthread_create(&id, nullptr, in_thread, nullptr);
  pthread_join(id, nullptr);
}

static void handler(int) { say("handler\n"); }
static void interrupted() { raise(SIGUSR1); }
static void on_alternate_stack() {
  static char memory[65536];
  stack_t stack = {};
  stack.ss_sp = memory;
  stack.ss_size = sizeof memory;
  sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, nullptr);
  interrupted();
}

static void thrower() { throw std::runtime_error("x"); }
static void catcher() {
  try {
    thrower();
  } catch (const std::runtime_error &) {
    say("caught\n");
  }
}

static ucontext_t here, there;
static void coroutine() { say("coroutine\n"); }
static void switches() {
  void *stack = mmap(nullptr, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  getcontext(&there);
  there.uc_stack.ss_sp = stack;
  there.uc_stack.ss_size = 65536;
  there.uc_link = &here;
  makecontext(&there, coroutine, 0);
  swapcontext(&here, &there);
}

// More than engine inproc copies.
static void deep_frame(int depth) {
  volatile char room[8192];
  room[0] = static_cast<char>(depth);
  if (depth > 0)
    deep_frame(depth - 1);
  else
    say("deep\n");
  asm volatile("" ::"r"(room[0]));
}

static void loads() {
  if (void *library = dlopen("libz.so.1", RTLD_NOW)) dlclose(library);
}

int main() {
  shapes::Box<int>().open(1);
  callback();
  recurse(20);
  with_alloca(1000);
  thread();
  on_alternate_stack();
  catcher();
  switches();
  deep_frame(12);
  loads();
  return 0;
}

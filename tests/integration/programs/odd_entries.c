// Comes to the first instructions of functions in other ways than by a call, and returns to other
// places than text. The argument says how; prints what came of it.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

// Data in writable memory: each byte is checked at the end.
uint8_t data[64] __attribute__((aligned(64)));

#define FUNCTION(name) ".globl " name "\n.type " name ",@function\n" name ":\n"
#define END(name) ".size " name ", . - " name "\n"
// "part" is jumped to with the address of data on top of the stack; so is "parse.cold", whose name
// says what it is. "round" branches to its own first instruction, "again" does not.
__asm__(".text\n" FUNCTION("parse") "lea data(%rip), %rax\npush %rax\njmp parse.cold\n" END("parse")
            FUNCTION("parse.cold") "call getppid\npop %rdx\nret\n" END("parse.cold") FUNCTION(
                "split") "push %rbx\nlea data(%rip), %rax\npush %rax\njmp part\n" END("split")
                FUNCTION("part") "pop %rax\ncall getppid\npop %rbx\nret\n" END("part") FUNCTION(
                    "round_about") "dec %edi\njnz round_about\njmp getppid\n" END("round_about"));
long parse(void), split(void), round_about(int);

__attribute__((noinline)) long target(long n) { return getppid() > 0 ? n + 1 : 0; }
__attribute__((noinline)) static void user(int signal) { data[1] += signal == SIGUSR1; }
__attribute__((noinline)) static void trapped(int signal) { data[2] += signal == SIGTRAP; }

static void cold(void) {
  for (int i = 0; i < 3; i++) parse();
}

static void jumped(void) {
  for (int i = 0; i < 3; i++) split();
}

static void loops(void) { printf("%d\n", round_about(5) > 0); }

// sub $8,%rsp; mov %rdi,%rax; mov %rsi,%rdi; call *%rax; add $8,%rsp; ret
static const uint8_t code[] = {0x48, 0x83, 0xec, 0x08, 0x48, 0x89, 0xf8, 0x48, 0x89,
                               0xf7, 0xff, 0xd0, 0x48, 0x83, 0xc4, 0x08, 0xc3};

static void generated(void) {
  typedef long made(long (*)(long), long);
  uint8_t *page =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(page, code, sizeof code);
  long sum = 0;
  for (int i = 0; i < 3; i++) sum += ((made *)page)(target, i);
  // A JIT moves what it has made, and makes something else there.
  uint8_t *other =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(other, page, 4096);
  printf("code %s\n", memcmp(other, code, sizeof code) == 0 ? "whole" : "changed");
  memset(page, 0xf4, 4096);
  sum += ((made *)other)(target, 3);
  int changed = 0;
  for (int i = 0; i < 4096; i++) changed += page[i] != 0xf4;
  printf("sum %ld, changed %d\n", sum, changed);
}

static void handlers(void) {
  signal(SIGUSR1, user);
  signal(SIGTRAP, trapped);
  for (int i = 0; i < 2; i++) {
    raise(SIGUSR1);
    raise(SIGTRAP);
    __asm__ volatile("int3");
  }
  printf("user %d trapped %d\n", data[1], data[2]);
  data[1] = data[2] = data[0];
}

static ucontext_t back, context;
static void of_context(void) { target(1); }

static void contexts(void) {
  static char stack[1 << 16];
  for (int i = 0; i < 3; i++) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = sizeof stack;
    context.uc_link = &back;
    makecontext(&context, of_context, 0);
    swapcontext(&back, &context);
  }
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } cases[] = {{"cold", cold},           {"jumped", jumped},     {"loops", loops},
               {"generated", generated}, {"handlers", handlers}, {"contexts", contexts}};
  memset(data, 0x50, sizeof data);
  for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof cases[0]; i++)
    if (strcmp(cases[i].name, argv[1]) == 0) cases[i].run();
  int changed = 0;
  for (size_t i = 0; i < sizeof data; i++) changed += data[i] != 0x50;
  printf("data %s\n", changed == 0 ? "whole" : "changed");
  return changed;
}

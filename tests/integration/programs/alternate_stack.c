/* SIGSEGV handled on an alternate stack, inside a library call (a bad pointer given to strlen) and
 * outside; left once by siglongjmp and once by repairing the page. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;
static char *page;
static volatile int repair;
static char alternate[65536];

static void on_segv(int number, siginfo_t *info, void *context) {
  char here;
  (void)number, (void)context;
  int on_it = &here >= alternate && &here < alternate + sizeof alternate;
  if (write(1, on_it ? "on alternate stack\n" : "on normal stack\n", on_it ? 19 : 16) < 0) _exit(9);
  if (info->si_addr != page) _exit(8);
  if (repair) {
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    return;
  }
  siglongjmp(back, 1);
}

int main(void) {
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  struct sigaction action = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaltstack(&stack, NULL);
  sigaction(SIGSEGV, &action, NULL);
  page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 3; i++) {
    if (sigsetjmp(back, 1) == 0) {
      size_t n = strlen(page);
      printf("not reached %zu\n", n);
    }
    if (sigsetjmp(back, 1) == 0) {
      fputs(page, stdout);
      printf("not reached\n");
    }
    if (sigsetjmp(back, 1) == 0) *(volatile char *)page = 1;
  }
  repair = 1;
  *(volatile char *)page = 'x';
  printf("repaired: %s %zu\n", page, strlen(page));
  fflush(stdout);
  repair = 0;
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, NULL);
  signal(SIGSEGV, SIG_DFL);
  mprotect(page, 4096, PROT_NONE);
  return (int)strlen(page); /* dies here */
}

/* A signal waits until a call unblocks it, with SIGSYS and SIGTRAP, which the tool never blocks:
 * the signal comes between the call's result and whoever looks at it. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int handled;

static uint64_t mask_now(void) {
  uint64_t bits = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &bits, sizeof bits);
  return bits;
}

/* In a handler, another call of the kind. */
static void handler(int number) {
  (void)number;
  uint64_t sys = 1ull << (SIGSYS - 1);
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &sys, NULL, sizeof sys);
  handled++;
}

/* How rt_sigprocmask leaves its second argument's register. */
static const void *set_mask(const uint64_t *set, uint64_t *old) {
  const void *left = set;
  register long size __asm__("r10") = sizeof *set;
  long ret = SYS_rt_sigprocmask;
  __asm__ volatile("syscall"
                   : "+a"(ret), "+S"(left)
                   : "D"((long)SIG_SETMASK), "d"(old), "r"(size)
                   : "rcx", "r11", "memory");
  return ret == 0 ? left : NULL;
}

static int compare(const void *a, const void *b) {
  static const uint64_t all = UINT64_MAX, none = 0,
                        both = 1ull << (SIGSYS - 1) | 1ull << (SIGTRAP - 1);
  static const int signals[] = {SIGUSR1, SIGWINCH, SIGURG, SIGCHLD, SIGUSR2};
  static int round;
  int signal = signals[round++ % 5];
  const uint64_t *to = round % 2 ? &none : &both;
  uint64_t old = 0, first = mask_now();
  char around[64], same[64];
  memset(around, 'x', sizeof around);
  memset(same, 'x', sizeof same);
  int kept = set_mask(&all, NULL) == &all;
  uint64_t blocked = mask_now();
  raise(signal);
  kept += set_mask(to, &old) == to;
  printf("%d: %016lx %016lx %016lx, %016lx, kept %d %d, handled %d\n", signal, (unsigned long)first,
         (unsigned long)blocked, (unsigned long)old, (unsigned long)mask_now(), kept,
         memcmp(around, same, sizeof same) == 0, handled);
  fflush(stdout);
  return *(const int *)a - *(const int *)b;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGUSR1, &action, NULL);
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  sigaction(SIGUSR2, &action, NULL);
  int values[8] = {5, 2, 7, 1, 3, 8, 4, 6};
  qsort(values, 8, sizeof *values, compare);
  return 0;
}

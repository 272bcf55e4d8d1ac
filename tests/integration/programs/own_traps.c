/* SIGTRAP and SIGSYS are the program's, too: int3, raise, and a seccomp filter that traps. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile sig_atomic_t traps, calls, last;

static void on_trap(int number, siginfo_t *info, void *context) {
  (void)number, (void)info, (void)context;
  traps++;
}

static void on_sys(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  calls++;
  last = info->si_syscall;
}

int main(void) {
  struct sigaction trap = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  struct sigaction sys = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &trap, NULL);
  sigaction(SIGSYS, &sys, NULL);
  __asm__ volatile("int3");
  raise(SIGTRAP);
  raise(SIGSYS);
  printf("traps %d, system %d\n", (int)traps, (int)calls);

  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = 4, .filter = filter};
  calls = 0;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return 2;
  syscall(SYS_getpriority, 0, 0);
  printf("trapped by the filter: %d, number is getpriority %d\n", (int)calls,
         last == SYS_getpriority);
  FILE *file = fopen("/etc/passwd", "r");
  printf("files still work: %d\n", file != NULL);
  fclose(file);
  fflush(stdout);
  signal(SIGTRAP, SIG_DFL);
  __asm__ volatile("int3"); /* dies of its own breakpoint */
  return 3;
}

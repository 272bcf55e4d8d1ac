/* Allows itself read, write, a signal's return and its end; everything else kills it. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOW(number) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int compare(const void *a, const void *b) {
  write(1, ".", 1);
  return *(const int *)a - *(const int *)b;
}

int main(int argc, char **argv) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ALLOW(SYS_read),
      ALLOW(SYS_write),
      ALLOW(SYS_exit),
      ALLOW(SYS_rt_sigreturn),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
  int strict = argc > 1 && argv[1][0] == 's';
  int numbers[] = {3, 1, 2};
  char c;
  write(1, "before\n", 7); /* the thread is known to the tracer from here on */
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 99;
  if (strict ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)
             : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
    return 98;
  for (int i = 0; i < 10; i++) read(0, &c, 1);
  qsort(numbers, 3, sizeof *numbers, compare);
  write(1, "\nallowed\n", 9);
  if (argc > 2) getppid(); /* is not */
  return syscall(SYS_exit, 7);
}

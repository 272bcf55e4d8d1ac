/* clone3 as a fork, clone with shared memory, clone(CLONE_VFORK), each by hand. */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int shared;
static char stack[65536] __attribute__((aligned(16)));

static int child(void *argument) {
  shared = *(int *)argument;
  static const char text[] = "cloned child\n";
  return write(1, text, sizeof text - 1) == sizeof text - 1 ? 11 : 12;
}

static void report(const char *how, pid_t pid) {
  int status = -1;
  pid_t got = waitpid(pid, &status, __WALL);
  printf("%s: %d exited %d\n", how, got == pid, WEXITSTATUS(status));
  fflush(stdout);
}

int main(void) {
  struct clone_args arguments;
  memset(&arguments, 0, sizeof arguments);
  arguments.exit_signal = SIGCHLD;
  int pidfd = -1;
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = (uint64_t)(uintptr_t)&pidfd;
  pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) {
    FILE *file = fopen("/etc/passwd", "r");
    printf("clone3 child opened %d\n", file != NULL);
    fflush(stdout);
    _exit(10);
  }
  report("clone3", pid);
  printf("pidfd %d\n", pidfd >= 0);

  int value = 77;
  pid = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, &value);
  report("clone VM", pid);
  printf("shared %d\n", shared);
  value = 78;
  pid = clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &value);
  printf("shared after vfork-like clone %d\n", shared);
  report("clone VM VFORK", pid);
  value = 79;
  pid = clone(child, stack + sizeof stack, SIGCHLD, &value);
  report("clone", pid);
  printf("not shared %d\n", shared);
  pid = clone(child, stack + sizeof stack, CLONE_VM, &value); /* no exit signal: __WALL */
  report("clone without signal", pid);
  return 0;
}

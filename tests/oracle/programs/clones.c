/* Ways to make a child or a thread. */
#include <linux/sched.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>

#include "oracle.h"

extern char **environ;

static int child(void *argument) {
  (void)argument;
  _exit(1);
}

static char stack[65536];

int main(void) {
  int tid = 0, status;
  if (CALL(fork) == 0) _exit(0);
  wait(NULL);
  if (vfork() == 0) _exit(2);
  wait(NULL);
  clone(child, stack + sizeof stack, SIGCHLD, NULL);
  wait(NULL);
  clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS | SIGCHLD,
        NULL);
  wait(NULL);
  clone(child, stack + sizeof stack, CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, NULL,
        &tid, NULL, &tid);
  wait(NULL);
  struct clone_args args = {.flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID,
                            .exit_signal = SIGCHLD,
                            .parent_tid = (uintptr_t)&tid,
                            .child_tid = (uintptr_t)&tid};
  if (CALL(clone3, &args, sizeof args) == 0) _exit(3);
  wait(&status);
  int pidfd = -1;
  args = (struct clone_args){.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
                             .exit_signal = SIGCHLD,
                             .pidfd = (uintptr_t)&pidfd};
  if (CALL(clone3, &args, 64ul) == 0) _exit(4);
  wait(&status);
  args.flags = ~0ull;
  CALL(clone3, &args, sizeof args);
  CALL(clone3, NULL, sizeof args);
  CALL(clone3, &args, 8ul);
  CALL(clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0);
  char *argv[] = {"true", NULL};
  pid_t pid;
  posix_spawnp(&pid, "true", NULL, NULL, argv, environ);
  waitpid(pid, &status, 0);
  CALL(unshare, CLONE_FS | CLONE_FILES);
  CALL(unshare, 0x10);
  CALL(setns, -1, CLONE_NEWNET);
  CALL(set_tid_address, &tid);
  return 0;
}

/* Estranges itself from its tracer in the way that is named, then makes a child and a thread that
 * make wrapped calls: each writes its name. Exit status 3. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(99);
}

static void take_all_descriptors(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = 16;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit");
  while (dup(1) >= 0) {
  }
}

/* Kills, or fails with EPERM, the syscalls whose numbers follow in argv. */
static void filter(char **numbers, unsigned action) {
  struct sock_filter code[2 + 2 * 16 + 1];
  unsigned n = 0;
  code[n++] =
      (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (; *numbers != NULL; numbers++) {
    code[n++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(*numbers), 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {(unsigned short)n, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    fail("seccomp");
}

static void become(char **how) {
  if (strcmp(how[0], "setuid") == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) fail("setuid");
  } else if (strcmp(how[0], "seteuid") == 0) {
    if (seteuid(65534) != 0) fail("seteuid");
  } else if (strcmp(how[0], "chroot") == 0) {
    if (chroot("/proc/self/fdinfo") != 0 || chdir("/") != 0) fail("chroot");
  } else if (strcmp(how[0], "mounts") == 0) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/tmp", "tmpfs", 0, NULL) != 0)
      fail("mounts");
  } else if (strcmp(how[0], "descriptors") == 0) {
    take_all_descriptors();
  } else if (strcmp(how[0], "undumpable") == 0) {
    prctl(PR_SET_DUMPABLE, 0);
  } else if (strcmp(how[0], "deny") == 0) {
    filter(how + 1, SECCOMP_RET_ERRNO | EPERM);
  } else if (strcmp(how[0], "kill") == 0) {
    filter(how + 1, SECCOMP_RET_KILL_PROCESS);
  }
}

static void *say(void *what) {
  if (write(1, what, strlen(what)) < 0) _exit(98);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 2) return 97;
  become(argv + 1);
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    say("child\n");
    if (pthread_create(&thread, NULL, say, "thread of child\n") != 0) _exit(96);
    pthread_join(thread, NULL);
    _exit(4);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 4 << 8) return 95;
  pthread_t thread;
  if (pthread_create(&thread, NULL, say, "thread\n") != 0) return 94;
  pthread_join(thread, NULL);
  return 3;
}

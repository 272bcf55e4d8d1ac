/* odd_threads COUNT: threads as nobody else makes them: with SIGCHLD as their exit signal, which
 * the kernel ignores for a thread; with a parent that waits as for vfork; and such that end at
 * once, before anybody can look at them. */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kStack = 65536 };

static volatile int ended;

static int end_at_once(void *unused) {
  (void)unused;
  __atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_exit, 0);
  return 0;
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 10, made = 0;
  const int thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  const int kinds[] = {thread, thread | SIGCHLD, thread | CLONE_VFORK};
  for (int i = 0; i < count; i++) {
    char *stack = mmap(NULL, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (clone(end_at_once, stack + kStack, kinds[i % 3], NULL) > 0) made++;
  }
  while (ended < made) usleep(1000);
  access("/nowhere", F_OK);
  return made == count ? 0 : 1;
}

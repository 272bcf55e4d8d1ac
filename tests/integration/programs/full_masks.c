/* Every signal blocked in every way there is, SIGSYS and SIGTRAP among them, with calls while they
 * are; and the masks as the program sees them. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

static sigset_t full;

static void show(const char *what) {
  sigset_t now;
  uint64_t bits;
  pthread_sigmask(SIG_BLOCK, NULL, &now);
  memcpy(&bits, &now, sizeof bits);
  printf("%s: %016lx, %d\n", what, (unsigned long)bits, access("/nowhere", F_OK));
  fflush(stdout);
}

static void handler(int number) {
  (void)number;
  show("in the handler");
}

static void *thread(void *unused) {
  show("inherited by a thread");
  return unused;
}

int main(void) {
  struct timespec soon = {0, 1000000};
  struct pollfd none = {.fd = -1};
  struct epoll_event event;
  int epoll = epoll_create1(0);
  pthread_t other;
  sigset_t empty, old;
  sigfillset(&full);
  sigemptyset(&empty);

  printf("ppoll %d\n", ppoll(&none, 1, &soon, &full));
  printf("pselect %d\n", pselect(0, NULL, NULL, NULL, &soon, &full));
  printf("epoll_pwait %d\n", epoll_pwait(epoll, &event, 1, 1, &full));
  show("after the waits");

  struct sigaction action = {.sa_handler = handler};
  action.sa_mask = full;
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  show("after the handler");

  sigprocmask(SIG_SETMASK, &full, &old);
  show("sigprocmask");
  pthread_create(&other, NULL, thread, NULL);
  pthread_join(other, NULL);
  raise(SIGUSR1);
  sigpending(&old);
  printf("pending %d\n", sigismember(&old, SIGUSR1));
  printf("sigsuspend %d", sigsuspend(&empty));
  printf(" %s\n", errno == EINTR ? "EINTR" : "other");
  sigprocmask(SIG_UNBLOCK, &full, NULL);
  show("unblocked");

  uint64_t bits = UINT64_MAX;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &bits, NULL, sizeof bits);
  for (int i = 0; i < 100; i++) access("/nowhere", F_OK);
  if (fork() == 0) {
    close(-1);
    _exit(0);
  }
  bits = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &bits, NULL, sizeof bits);
  show("by a bare syscall");
  return 0;
}

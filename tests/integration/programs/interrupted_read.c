/* SIGALRM and SIGCHLD while blocked in read, with and without SA_RESTART; masks and pending signals
 * as sigprocmask, sigpending and sigsuspend see them. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int fds[2];
static volatile sig_atomic_t alarms, children;

static void on_alarm(int number) {
  (void)number;
  alarms++;
  if (alarms == 2 && write(fds[1], "w", 1) != 1) _exit(9); /* ends a restarted read, once */
}

static void on_child(int number) {
  (void)number;
  int saved = errno;
  while (waitpid(-1, NULL, WNOHANG) > 0) children++;
  errno = saved;
}

static void after(int milliseconds, int again) {
  struct itimerval timer = {.it_value = {0, milliseconds * 1000},
                            .it_interval = {0, again * milliseconds * 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

static void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigaction(number, &action, NULL);
}

int main(void) {
  char byte;
  if (pipe(fds) != 0) return 2;

  handle(SIGALRM, on_alarm, 0);
  after(50, 0);
  ssize_t n = read(fds[0], &byte, 1);
  after(0, 0);
  printf("without SA_RESTART: %zd %s, alarms %d\n", n, strerror(errno), alarms > 0);

  alarms = 0;
  handle(SIGALRM, on_alarm, SA_RESTART);
  after(50, 1);
  n = read(fds[0], &byte, 1);
  after(0, 0);
  printf("with SA_RESTART: %zd, alarms %d\n", n, alarms > 1);

  alarms = 1; /* the next one writes; poll must not be restarted */
  after(50, 0);
  struct pollfd waiting = {fds[0], POLLIN, 0};
  errno = 0;
  int ready = poll(&waiting, 1, 5000);
  after(0, 0);
  printf("poll: %d %s\n", ready, strerror(errno));
  n = read(fds[0], &byte, 1);

  handle(SIGCHLD, on_child, SA_RESTART);
  for (int i = 0; i < 10; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      usleep(5000);
      _exit(0);
    }
    if (i == 9) {
      pid_t writer = fork();
      if (writer == 0) {
        usleep(100000);
        _exit(write(fds[1], "c", 1) != 1);
      }
    }
  }
  n = read(fds[0], &byte, 1);
  /* Blocked between the look and the wait: pause would miss a signal there. */
  sigset_t child, none;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, &none);
  while (children < 11) sigsuspend(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  printf("SIGCHLD under read: %zd, %d children\n", n, (int)children);

  sigset_t set, old, pending;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, &old);
  raise(SIGALRM);
  sigpending(&pending);
  printf("pending SIGALRM %d SIGSYS %d SIGTRAP %d\n", sigismember(&pending, SIGALRM),
         sigismember(&pending, SIGSYS), sigismember(&pending, SIGTRAP));
  sigprocmask(SIG_SETMASK, NULL, &set);
  int blocked = 0;
  for (int i = 1; i < 65; i++) blocked += sigismember(&set, i) == 1;
  printf("blocked %d, SIGSYS %d SIGTRAP %d\n", blocked, sigismember(&set, SIGSYS),
         sigismember(&set, SIGTRAP));
  FILE *file = fopen("/etc/passwd", "r"); /* system calls while everything is blocked */
  printf("with all blocked: opened %d\n", file != NULL);
  fclose(file);
  alarms = 0;
  sigemptyset(&set);
  errno = 0;
  sigsuspend(&set);
  printf("sigsuspend: %s, %d alarms\n", strerror(errno), (int)alarms);
  sigprocmask(SIG_SETMASK, &old, NULL);

  struct timespec pause_time = {0, 150000000}, rest = {0, 0};
  handle(SIGALRM, on_alarm, 0);
  alarms = 0;
  after(50, 0);
  int slept = nanosleep(&pause_time, &rest);
  after(0, 0);
  printf("nanosleep: %d, rest %d\n", slept, rest.tv_nsec > 0);
  return 0;
}

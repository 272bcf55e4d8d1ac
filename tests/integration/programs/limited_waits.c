// Waits of one second, disturbed five times a second. Argument: winch (an ignored signal), child (a
// child's end), stop (SIGSTOP and SIGCONT), term (one with a handler). Prints how each ended, and
// after how many tenths of a second, as far as that is to be the same everywhere.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct timespec second = {1, 0};
static struct epoll_event events[4];

static int wait_epoll(void) { return epoll_wait(epoll_create1(0), events, 4, 1000); }

static int wait_epoll_mask(void) {
  sigset_t none;
  sigemptyset(&none);
  return epoll_pwait(epoll_create1(0), events, 4, 1000, &none);
}

static int wait_epoll_fine(void) {
  return (int)syscall(SYS_epoll_pwait2, epoll_create1(0), events, 4, &second, NULL, 8);
}

static int wait_semaphore(void) {
  struct sembuf down = {0, -1, 0};
  int id = semget(IPC_PRIVATE, 1, 0600);
  int result = semtimedop(id, &down, 1, &second);
  int error = errno;
  semctl(id, 0, IPC_RMID);
  errno = error;
  return result;
}

static int wait_signal(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, NULL);
  return sigtimedwait(&set, NULL, &second);
}

static int wait_poll(void) { return poll(NULL, 0, 1000); }

static const struct {
  const char *name;
  int (*wait)(void);
} waits[] = {{"epoll_wait", wait_epoll},        {"epoll_pwait", wait_epoll_mask},
             {"epoll_pwait2", wait_epoll_fine}, {"semtimedop", wait_semaphore},
             {"sigtimedwait", wait_signal},     {"poll", wait_poll}};

static void on(int signal) { (void)signal; }

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void disturb(pid_t whom, const char *how) {
  for (int i = 0; i < 25; i++) {
    usleep(200000);
    if (strcmp(how, "stop") == 0) {
      kill(whom, SIGSTOP);
      usleep(20000);
      kill(whom, SIGCONT);
    } else if (kill(whom, strcmp(how, "term") == 0    ? SIGTERM
                          : strcmp(how, "winch") == 0 ? SIGWINCH
                                                      : SIGCHLD) != 0) {
      break;
    }
  }
  _exit(0);
}

// In a process of its own, so that all of them wait at the same time.
static void wait_disturbed(size_t i, const char *how) {
  signal(SIGTERM, on);
  // The other one counts from the beginning of the wait, however late that is.
  int go[2];
  char byte = 0;
  if (pipe(go) != 0) _exit(1);
  pid_t self = getpid(), other = fork();
  if (other == 0) {
    if (read(go[0], &byte, 1) != 1) _exit(1);
    disturb(self, how);
  }
  double begun = now();
  if (write(go[1], &byte, 1) != 1) _exit(1);
  errno = 0;
  int result = waits[i].wait();
  int error = errno;
  double tenths = (now() - begun) * 10;
  kill(other, SIGKILL);
  waitpid(other, NULL, 0);
  const char *when = tenths < 1.8   ? "too soon"
                     : tenths < 6   ? "at once"
                     : tenths < 9.9 ? "early"
                     : tenths < 16  ? "in time"
                                    : "late";
  dprintf(1, "%s: %d %s, %s\n", waits[i].name, result, result < 0 ? strerror(error) : "-", when);
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
    if (fork() == 0) wait_disturbed(i, argv[1]);
  while (wait(NULL) > 0) continue;
  return 0;
}

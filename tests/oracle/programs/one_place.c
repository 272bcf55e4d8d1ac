/* What is read and what is written stand in one place; structs of libc's own frames; a buffer that
 * is used again right after a call that has failed. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <utime.h>

#include "oracle.h"

int main(void) {
  int fd = make_file("file", "0123456789abcdefghijklmnopqrstuvwxyz");
  char text[64] = "link";
  (void)!symlink("target-of-it", "link");
  (void)!readlink(text, text, sizeof text);
  struct stat status;
  strcpy((char *)&status, "file");
  stat((char *)&status, &status);

  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max / 2;
  prlimit(0, RLIMIT_NOFILE, &limit, &limit);
  struct itimerval timer = {{0, 0}, {100, 0}};
  setitimer(ITIMER_REAL, &timer, NULL);
  timer.it_value.tv_sec = 200;
  setitimer(ITIMER_REAL, &timer, &timer);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, &set);
  sigprocmask(SIG_SETMASK, &set, &set);
  struct sigaction action = {.sa_handler = SIG_IGN};
  sigaction(SIGUSR1, &action, &action);
  sigaction(SIGUSR1, &action, &action);
  int tfd = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec later = {{0, 0}, {50, 0}};
  timerfd_settime(tfd, 0, &later, NULL);
  later.it_value.tv_sec = 70;
  timerfd_settime(tfd, 0, &later, &later);
  struct iovec halves[] = {{text, 20}, {text + 10, 20}};
  CALL(readv, fd, halves, 2);

  struct timeval times[2] = {{1, 2}, {3, 4}};
  struct utimbuf seconds = {5, 6};
  utimes("file", times);
  lutimes("file", times);
  futimes(fd, times);
  futimesat(AT_FDCWD, "file", times);
  utime("file", &seconds);

  char path[32];
  for (int i = 0; i < 4; i++) {
    snprintf(path, sizeof path, "path-%d", i);
    stat(path, NULL);
    CALL(openat, AT_FDCWD, path, 0);
    CALL(newfstatat, AT_FDCWD, path, NOWHERE, 0);
  }
  // Nothing of the program is left to be read when the tracer sees it: the string is write(2)'s.
  fputs("forty bytes of text, more than are shown.", stderr);
  return 0;
}

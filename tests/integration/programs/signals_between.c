/* Calls of some fifty nanoseconds, one after another, and a timer whose handler makes a call of its
 * own: it comes between any two instructions of a call's beginning and end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static int devnull;
static volatile sig_atomic_t ticks, wrong;

static void on_alarm(int number) {
  int saved = errno;
  (void)number;
  ticks++;
  if (write(devnull, "tick", 4) != 4) wrong++;
  errno = saved;
}

static void until_signals(int wanted) {
  for (int i = 0; i < wanted; i++) {
    struct itimerval once = {{0, 0}, {0, 20 + i % 50}}; /* again only when it has come */
    setitimer(ITIMER_REAL, &once, NULL);
    while (ticks == i)
      if (strtol("42", NULL, 10) != 42) wrong++;
  }
}

static int wanted_inside;

static int compare(const void *a, const void *b) {
  until_signals(wanted_inside);
  return *(const char *)a - *(const char *)b;
}

int main(int argc, char **argv) {
  int wanted = argc > 1 ? atoi(argv[1]) : 500;
  devnull = open("/dev/null", O_WRONLY);
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  until_signals(wanted);
  char two[] = "ba"; /* the same again inside of a call */
  ticks = 0;
  wanted_inside = wanted;
  qsort(two, 2, 1, compare);
  if (wrong) printf("wrong %d\n", (int)wrong);
  return 0;
}

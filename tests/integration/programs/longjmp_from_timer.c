/* A timer's handler comes anywhere and leaves by siglongjmp every second time; then 100 calls that
 * must all be told. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int alarms, jumps;

static void on_alarm(int signal) {
  (void)signal;
  access("/in/handler", F_OK);
  if (alarms++ & 1) {
    jumps++;
    siglongjmp(back, 1);
  }
}

static int compare(const void *a, const void *b) {
  access("/compare", F_OK);
  return *(const int *)a - *(const int *)b;
}

int main(void) {
  enum { kJumps = 60 };
  struct sigaction action = {.sa_handler = on_alarm};
  struct itimerval often = {{0, 1501}, {0, 1501}}, never = {{0, 0}, {0, 0}};
  sigaction(SIGALRM, &action, NULL);
  sigsetjmp(back, 1);
  setitimer(ITIMER_REAL, &often, NULL);
  while (jumps < kJumps) {
    int numbers[] = {5, 3, 1, 7, 2, 9, 4, 0};
    close(-1);
    qsort(numbers, 8, sizeof *numbers, compare);
  }
  setitimer(ITIMER_REAL, &never, NULL);
  for (int i = 0; i < 100; i++) access("/the/end", F_OK);
  puts("done");
  return 0;
}

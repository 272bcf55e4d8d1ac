/* A profiler: a timer's handler unwinds the stack, wherever the program stands. */
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int samples, shallow;

static void on_timer(int signal) {
  (void)signal;
  void *frames[32];
  int n = backtrace(frames, 32);
  samples++;
  /* Handler, its return, main, libc's start, _start. */
  if (n < 5) shallow++;
}

int main(int argc, char **argv) {
  void *first[4];
  backtrace(first, 4); /* loads the unwinder */
  const int wanted = argc > 1 ? atoi(argv[1]) : 4000;
  struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
  struct itimerval often = {{0, 100}, {0, 100}};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  while (samples < wanted)
    for (int i = 0; i < 100; i++) {
      lseek(-1, 0, SEEK_CUR);
      close(-1);
    }
  memset(&often, 0, sizeof often);
  setitimer(ITIMER_REAL, &often, NULL);
  printf("enough samples, %s\n", shallow == 0 ? "all whole" : "some cut short");
  return 0;
}

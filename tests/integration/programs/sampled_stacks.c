/* A profiler: a timer's handler unwinds the stack, wherever the program stands. */
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The next tick comes only when the program asks for it: a timer that repeats faster than a traced
 * handler returns would keep the program from ever running, under strace, too. */
static void set_timer(unsigned microseconds) {
  struct itimerval once = {{0, 0}, {0, microseconds}};
  setitimer(ITIMER_REAL, &once, NULL);
}

int main(int argc, char **argv) {
  void *first[4];
  backtrace(first, 4); /* loads the unwinder */
  const int wanted = argc > 1 ? atoi(argv[1]) : 4000;
  const unsigned longest = argc > 2 ? (unsigned)atoi(argv[2]) : 200;
  struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  unsigned random = 1;
  while (samples < wanted) {
    const int before = samples;
    random = random * 1103515245 + 12345;
    set_timer(1 + (random >> 16) % longest);
    while (samples == before) {
      lseek(-1, 0, SEEK_CUR);
      close(-1);
    }
  }
  printf("enough samples, %s\n", shallow == 0 ? "all whole" : "some cut short");
  return 0;
}

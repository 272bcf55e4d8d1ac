/* What the vDSO answers enters no kernel. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  struct timespec now;
  struct timeval day;
  clock_gettime(CLOCK_MONOTONIC, &now);
  gettimeofday(&day, NULL);
  time(NULL);
  sched_getcpu();
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* this one does */
  return 0;
}

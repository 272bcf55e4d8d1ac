/* threads ITERATIONS THREADS: each thread makes that many system calls, one a call: write() of one
 * byte, to a descriptor of its own. What is reported is the processor time of a thread for one of
 * them, the mean over the threads: it does not depend on how many of them run at once, but on what
 * they have to wait for from each other. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "bench.h"

enum { kMost = 64 };

static pthread_barrier_t begin;
static long iterations;

static uint64_t time_of_thread(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *writes(void *taken) {
  int fd = open("/dev/null", O_WRONLY);
  long done = write(fd, "x", 1); /* attaches the thread */
  pthread_barrier_wait(&begin);
  uint64_t before = time_of_thread();
  for (long i = 0; i < iterations; i++) done += write(fd, "x", 1);
  *(uint64_t *)taken = time_of_thread() - before;
  close(fd);
  return done == iterations + 1 ? NULL : taken;
}

int main(int argc, char **argv) {
  static pthread_t threads[kMost];
  static uint64_t taken[kMost], sum;
  iterations = bench_iterations(argc, argv);
  long count = argc >= 3 ? strtol(argv[2], NULL, 10) : 0;
  if (count < 1 || count > kMost) return 2;
  pthread_barrier_init(&begin, NULL, (unsigned)count);
  void *failed = NULL;
  for (long i = 0; i < count; i++)
    if (pthread_create(&threads[i], NULL, writes, &taken[i]) != 0) return 1;
  for (long i = 0; i < count; i++) {
    void *one;
    pthread_join(threads[i], &one);
    if (one != NULL) failed = one;
    sum += taken[i];
  }
  bench_report(0, sum, iterations * count);
  return failed != NULL;
}

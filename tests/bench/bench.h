/*
 * bench.h: what the programs under measurement share. Each takes the number of iterations, times
 * its own loop, and prints nanoseconds per iteration as the last line on standard error: what
 * starting and ending the program costs is not in the figure.
 */
#ifndef WC_TESTS_BENCH_H
#define WC_TESTS_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t bench_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline long bench_iterations(int argc, char **argv) {
  long n = argc >= 2 ? strtol(argv[1], NULL, 10) : 0;
  if (n > 0) return n;
  fprintf(stderr, "usage: %s ITERATIONS\n", argv[0]);
  exit(2);
}

static inline void bench_report(uint64_t begin, uint64_t end, long n) {
  fprintf(stderr, "%.3f\n", (double)(end - begin) / (double)n);
}

#endif

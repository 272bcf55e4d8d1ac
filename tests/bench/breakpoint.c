/* A function that makes no system call, entered again and again: what a breakpoint scope costs. */
#include "bench.h"

__attribute__((noinline, noclone)) long scope(long n) {
  __asm__ volatile("" : "+r"(n));
  return n + 1;
}

int main(int argc, char **argv) {
  long n = bench_iterations(argc, argv);
  long sum = scope(0); /* the place that it returns to is known from then on */
  uint64_t begin = bench_now();
  for (long i = 0; i < n; i++) sum = scope(sum);
  bench_report(begin, bench_now(), n);
  return sum == n + 1 ? 0 : 1;
}

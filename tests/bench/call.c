/* A wrapped call that makes no syscall: what the trampoline and the scope cost. feof() could
 * enter the kernel (it takes a lock), so its calls open the gate; labs() cannot, and its calls do
 * not. Both do next to nothing; the build keeps them calls through the PLT (-fno-builtin). */
#include <string.h>

#include "bench.h"

static long call_feof(FILE *file, long n) {
  long sum = 0;
  for (long i = 0; i < n; i++) sum += feof(file);
  return sum;
}

static long call_labs(volatile long *zero, long n) {
  long sum = 0;
  for (long i = 0; i < n; i++) sum += labs(*zero);
  return sum;
}

int main(int argc, char **argv) {
  long n = bench_iterations(argc, argv);
  int pure = argc == 3 && strcmp(argv[2], "labs") == 0;
  volatile long zero = 0;
  long sum = pure ? call_labs(&zero, 1) : call_feof(stdin, 1); /* attaches the thread */
  uint64_t begin = bench_now();
  sum += pure ? call_labs(&zero, n) : call_feof(stdin, n);
  bench_report(begin, bench_now(), n);
  return sum == 0 ? 0 : 1;
}

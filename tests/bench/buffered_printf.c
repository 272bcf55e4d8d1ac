/* Many calls, few syscalls: printf into a buffer of BYTES, or into the one that stdio chooses
 * (4,096 bytes for /dev/null); flushed at the end, within the time that is measured. */
#include "bench.h"

int main(int argc, char **argv) {
  long n = bench_iterations(argc, argv);
  unsigned long bytes = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
  /* With NULL for the buffer glibc ignores the size. */
  if (bytes != 0 && setvbuf(stdout, malloc(bytes), _IOFBF, bytes) != 0) return 1;
  printf("hello\n"); /* allocates the buffer and attaches the thread */
  uint64_t begin = bench_now();
  for (long i = 0; i < n; i++) printf("hello %ld\n", i);
  fflush(stdout);
  bench_report(begin, bench_now(), n);
  return 0;
}

/* One syscall a call: write() of one byte. */
#include <fcntl.h>
#include <unistd.h>

#include "bench.h"

int main(int argc, char **argv) {
  long n = bench_iterations(argc, argv);
  int fd = open("/dev/null", O_WRONLY);
  if (fd < 0) return 1;
  long done = write(fd, "x", 1); /* attaches the thread */
  uint64_t begin = bench_now();
  for (long i = 0; i < n; i++) done += write(fd, "x", 1);
  bench_report(begin, bench_now(), n);
  return done == n + 1 ? 0 : 1;
}

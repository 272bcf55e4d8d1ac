/* Syscalls outside of every scope: the program issues them itself, by instruction. One wrapped
 * function, fopen, has been called before, so that the thread is attached. */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static long raw_write(long fd, const void *bytes, unsigned long size) {
  long ret;
  __asm__ volatile("syscall"
                   : "=a"(ret)
                   : "a"((long)SYS_write), "D"(fd), "S"(bytes), "d"(size)
                   : "rcx", "r11", "memory");
  return ret;
}

int main(int argc, char **argv) {
  long n = bench_iterations(argc, argv);
  FILE *unrelated = fopen("/dev/null", "r");
  int fd = open("/dev/null", O_WRONLY);
  if (unrelated == NULL || fd < 0) return 1;
  long done = raw_write(fd, "x", 1);
  uint64_t begin = bench_now();
  for (long i = 0; i < n; i++) done += raw_write(fd, "x", 1);
  bench_report(begin, bench_now(), n);
  return done == n + 1 ? 0 : 1;
}

/* wc-copy: standard input to standard output, for the launcher, whose start is waited for: without
 * libraries, so that there is nothing to load. */
enum { kRead = 0, kWrite = 1, kExit = 60 };

static long system_call(long number, long a, const void *b, long c) {
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c)
                   : "rcx", "r11", "memory");
  return result;
}

static int copy(void) {
  static char buffer[65536];
  long got;
  while ((got = system_call(kRead, 0, buffer, sizeof buffer)) > 0)
    for (long done = 0; done < got;) {
      long put = system_call(kWrite, 1, buffer + done, got - done);
      if (put <= 0) return 1;
      done += put;
    }
  return got != 0;
}

void _start(void) {
  system_call(kExit, copy(), 0, 0);
  __builtin_unreachable();
}

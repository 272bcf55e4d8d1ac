/* now_and_then COUNT MILLISECONDS: calls access(2) so often, and computes for that long after each
 * call without a system call, so that no stop of the thread tells the tracer anything. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at); /* without the kernel */
  return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  for (int i = atoi(argv[1]); i > 0; i--) {
    (void)!access("/dev/null", F_OK);
    for (double end = now() + atof(argv[2]); now() < end;) continue;
  }
  return 0;
}

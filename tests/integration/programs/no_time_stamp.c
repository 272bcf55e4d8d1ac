/* Forbids itself to read the time-stamp counter, as hardened programs and stress-ng do: whoever
 * does is killed by SIGSEGV. Then makes calls that are measured. */
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(void) {
  if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV) != 0) return 1;
  for (int i = 0; i < 3; i++) {
    printf("line %d\n", i);
    fflush(stdout);
    if (access("/", R_OK) != 0) return 2;
  }
  return getppid() > 0 ? 0 : 3;
}

/* SIGTRAP stays ignored while records fill the ring many times: the kernel says so, not only libc.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int is_ignored(void) {
  char status[4096], *line;
  int file = open("/proc/self/status", O_RDONLY);
  ssize_t size = read(file, status, sizeof status - 1);
  unsigned long long mask = 0;
  close(file);
  status[size > 0 ? size : 0] = '\0';
  line = strstr(status, "SigIgn:");
  return line != NULL && sscanf(line, "SigIgn: %llx", &mask) == 1 && mask >> (SIGTRAP - 1) & 1;
}

int main(void) {
  int wrong = 0;
  signal(SIGTRAP, SIG_IGN);
  for (int i = 0; i < 20000; i++) {
    access("/nonexistent", R_OK);
    if (i % 97 == 0) wrong += !is_ignored();
  }
  printf("not ignored: %d times\n", wrong);
  return 0;
}

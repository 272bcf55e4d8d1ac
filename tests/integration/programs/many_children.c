/* many_children N: N children, up to 20 at a time, each with output and a status of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int total = argc > 1 ? atoi(argv[1]) : 500, started = 0, ended = 0, sum = 0;
  int fds[2];
  if (pipe(fds) != 0) return 2;
  while (ended < total) {
    while (started < total && started - ended < 20) {
      pid_t pid = fork();
      if (pid < 0) return perror("fork"), 2;
      if (pid == 0) {
        char text[16];
        int n = snprintf(text, sizeof text, "%07d\n", started);
        ssize_t done = write(fds[1], text, (size_t)n);
        if (done != n) _exit(100 + (int)(done < 0 ? errno : done));
        _exit(started % 7);
      }
      started++;
    }
    int status;
    if (wait(&status) < 0 || !WIFEXITED(status)) return printf("status %x\n", status), 2;
    if (WEXITSTATUS(status) >= 100)
      return printf("a child's write gave %d\n", WEXITSTATUS(status) - 100), 2;
    sum += WEXITSTATUS(status);
    ended++;
  }
  long seen = 0;
  char text[9];
  for (int i = 0; i < total; i++) {
    if (read(fds[0], text, 8) != 8) return 2;
    text[8] = 0;
    seen += atol(text);
  }
  printf("%d children, statuses %d, numbers %ld\n", ended, sum, seen);
  return 0;
}

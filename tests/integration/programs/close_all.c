/* close_all loop|range|reuse: what daemons do to descriptors. Afterwards the numbers must be as the
 * kernel hands them out, and every call must work as before. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void use(const char *when) {
  int fd = open("/etc/passwd", O_RDONLY);
  char byte;
  ssize_t n = read(fd, &byte, 1);
  printf("%s: fd %d read %zd\n", when, fd, n);
  fflush(stdout);
  close(fd);
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "loop";
  use("before");
  if (strcmp(how, "loop") == 0) {
    int closed = 0;
    for (int fd = 3; fd < 1024; fd++)
      if (close(fd) == 0) closed++;
    printf("closed %d\n", closed);
  } else if (strcmp(how, "range") == 0) {
    if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0) return 2;
  } else {
    /* dup2 onto every number, so that what was there is replaced and not only closed */
    for (int fd = 3; fd < 1024; fd++) dup2(1, fd);
    for (int fd = 3; fd < 1024; fd++) close(fd);
  }
  use("after");
  pid_t pid = fork();
  if (pid == 0) {
    use("child");
    _exit(5);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  printf("child status %d\n", WEXITSTATUS(status));
  fflush(stdout);
  execl("/bin/echo", "echo", "executed", (char *)NULL);
  return 3;
}

/* A shell in small: stops and continues its child and waits for each change of state. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void expect(pid_t pid, int options, const char *what) {
  int status = 0;
  pid_t got = waitpid(pid, &status, options);
  printf("%s: %s", what, got == pid ? "" : "wait failed ");
  if (WIFSTOPPED(status))
    printf("stopped by %d\n", WSTOPSIG(status));
  else if (WIFCONTINUED(status))
    printf("continued\n");
  else if (WIFEXITED(status))
    printf("exited %d\n", WEXITSTATUS(status));
  else if (WIFSIGNALED(status))
    printf("killed by %d\n", WTERMSIG(status));
  fflush(stdout);
}

static volatile sig_atomic_t continued;
static void on_continue(int number) { continued += number == SIGCONT; }

int main(void) {
  int fds[2], back[2];
  if (pipe(fds) != 0 || pipe(back) != 0) return 2;
  pid_t pid = fork();
  if (pid == 0) {
    setpgid(0, 0); /* a job of its own: in an orphaned group SIGTSTP would be dropped */
    signal(SIGCONT, on_continue);
    char byte;
    if (write(back[1], "r", 1) != 1) _exit(3);
    while (read(fds[0], &byte, 1) != 1) continue; /* blocked here while it is stopped */
    raise(SIGSTOP);                               /* and once by itself */
    raise(SIGTSTP);
    _exit(continued == 4 ? 4 : 40 + continued);
  }
  char byte;
  if (read(back[0], &byte, 1) != 1) return 2;
  for (int i = 0; i < 2; i++) {
    kill(pid, SIGSTOP);
    expect(pid, WUNTRACED, "stop");
    kill(pid, SIGCONT);
    expect(pid, WCONTINUED, "continue");
    usleep(20000); /* the handler runs before the next stop */
  }
  if (write(fds[1], "x", 1) != 1) return 2;
  expect(pid, WUNTRACED, "own stop");
  kill(pid, SIGCONT);
  expect(pid, WUNTRACED, "own terminal stop");
  kill(pid, SIGCONT);
  expect(pid, 0, "end");

  pid = fork();
  if (pid == 0)
    for (;;) pause();
  kill(pid, SIGSTOP);
  expect(pid, WUNTRACED, "stop");
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  int status;
  while (waitpid(pid, &status, WNOHANG) == 0) { /* it stays stopped */
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (end.tv_sec * 1000 + end.tv_nsec / 1000000 - start.tv_sec * 1000 - start.tv_nsec / 1000000 >
        100)
      break;
    usleep(10000);
  }
  kill(pid, SIGKILL);
  expect(pid, 0, "killed while stopped");
  return 0;
}

/* A handler that interrupts a read forks: the child, too, comes back from the handler into that
 * read. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t child = -1;

static void on_alarm(int signal) {
  (void)signal;
  if (child == -1) child = fork();
}

int main(void) {
  int ends[2], status = 0;
  struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
  struct itimerval soon = {.it_value = {.tv_usec = 50000}};
  if (pipe(ends) != 0 || sigaction(SIGALRM, &action, NULL) != 0) return 2;
  setitimer(ITIMER_REAL, &soon, NULL);
  char byte;
  ssize_t n = read(ends[0], &byte, 1);
  int interrupted = n == -1 && errno == EINTR;
  if (child == 0) {
    /* What it calls next is traced again. */
    _exit(interrupted && access("/", F_OK) == 0 ? 7 : 1);
  }
  waitpid(child, &status, 0);
  printf("parent %d, child %d\n", interrupted, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  return 0;
}

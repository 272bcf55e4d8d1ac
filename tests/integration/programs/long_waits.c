/* Calls that have waited long enough for the tracer to report them, and end when a signal comes,
 * whose handler makes a call of its own or does not; then a file is opened and another program
 * takes this one's place before the tracer has looked at it. argv: that program */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t writes;
static int null;

static void on_child(int signal) {
  (void)signal;
  if (writes && write(null, "handler", 7) != 7) _exit(1);
}

__attribute__((noinline)) static void wait_for_child(void) {
  if (fork() == 0) {
    usleep(300000);
    _exit(0);
  }
  if (wait(NULL) <= 0) _exit(2);
}

__attribute__((noinline)) static void open_last(void) { close(open("/dev/zero", O_RDONLY)); }

int main(int argc, char **argv) {
  null = open("/dev/null", O_WRONLY);
  wait_for_child(); /* SIGCHLD is ignored by default */
  struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
  sigaction(SIGCHLD, &action, NULL);
  wait_for_child();
  writes = 1;
  wait_for_child();
  open_last();
  if (argc > 1) execl(argv[1], argv[1], (char *)NULL);
  return 0;
}

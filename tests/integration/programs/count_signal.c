// count_signal NUMBER [HOW]: how often the signal comes. HOW: self and child send it to the whole
// group; wait: somebody else does, once "ready" is there; leave: ends and leaves a child, which
// waits.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t hits;
static void on(int signal) { (void)signal, hits++; }

static void sleep_for(double seconds) {
  struct timespec left = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  while (nanosleep(&left, &left) != 0) continue;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int number = atoi(argv[1]);
  signal(number, on);
  if (strcmp(argv[2], "leave") == 0 && fork() != 0) return 0;
  if (strcmp(argv[2], "self") == 0) kill(0, number);
  if (strcmp(argv[2], "child") == 0) {
    if (fork() == 0) signal(number, SIG_IGN), kill(0, number), _exit(0);
    wait(NULL);
  }
  puts("ready");
  fflush(stdout);
  for (int i = 0; i < 100 && hits == 0; i++) sleep_for(0.1);
  sleep_for(0.4);  // does another one come?
  printf("%d\n", (int)hits);
  return 0;
}

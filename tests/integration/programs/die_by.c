/* die_by abort|segv|wait|raise N|exit N: ends in a given way. "wait" says ready and waits. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const char *how = argc > 1 ? argv[1] : "";
  int number = argc > 2 ? atoi(argv[2]) : 0;
  printf("ready %d\n", (int)getpid());
  fflush(stdout);
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "segv") == 0) *(volatile int *)8 = 1;
  if (strcmp(how, "segv-inside") == 0) return (int)strlen((const char *)8);
  if (strcmp(how, "raise") == 0) raise(number);
  if (strcmp(how, "exit") == 0) exit(number);
  if (strcmp(how, "wait") == 0)
    for (;;) pause();
  if (strcmp(how, "wait-inside") == 0) return getchar(); /* blocked in a call that is traced */
  return 99;
}

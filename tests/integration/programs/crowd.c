/* crowd N: N children alive at once; each calls access("/marker") when all are there. Prints how
 * many. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(int gate) {
  char byte;
  (void)!read(gate, &byte, 1); /* until the parent closes its end */
  access("/marker", F_OK);
  _exit(7);
}

int main(int argc, char **argv) {
  int wanted = argc > 1 ? atoi(argv[1]) : 1;
  int ends[2], made = 0, ended = 0, status;
  if (pipe(ends) != 0) return perror("pipe"), 1;
  for (; made < wanted; made++) {
    pid_t pid = fork();
    if (pid < 0) break;
    if (pid == 0) close(ends[1]), child(ends[0]);
  }
  close(ends[0]);
  close(ends[1]);
  while (wait(&status) > 0) ended += WIFEXITED(status) && WEXITSTATUS(status) == 7;
  printf("%d of %d\n", ended, made);
  return made != wanted;
}

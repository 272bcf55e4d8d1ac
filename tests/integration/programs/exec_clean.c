/* Executes itself with an empty environment; the second life prints what it has and does I/O. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv) {
  if (argc < 2) {
    char *const arguments[] = {argv[0], "second", NULL};
    char *const empty[] = {NULL};
    execve(argv[0], arguments, empty);
    return 2;
  }
  int count = 0;
  for (char **e = environ; *e != NULL; e++) printf("environment: %s\n", *e), count++;
  printf("%s life, %d variables, auxiliary arguments %d\n", argv[1], count, argc);
  FILE *file = fopen("/etc/hostname", "r");
  printf("opened %d\n", file != NULL);
  if (file != NULL) fclose(file);
  return 7;
}

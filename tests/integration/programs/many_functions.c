/* Calls ten thousand functions of a library, one after another, again and again, until FILE
 * appears; prints how many calls it made. */
#include "libraries/many_functions.h"

#include <stdio.h>
#include <unistd.h>

#define DECLARE(name) int name(void);
MANY(DECLARE)
#define CALL(name) name();
#define COUNT(name) +1

int main(int argc, char **argv) {
  long made = 0;
  if (argc < 2) return 2;
  do {
    MANY(CALL)
    made += 0 MANY(COUNT);
  } while (access(argv[1], F_OK) != 0);
  printf("made %ld\n", made);
  return 0;
}

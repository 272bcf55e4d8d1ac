/* A wrapper library of one's own: rand() that says what it gives. An INI file names it under
 * [LD_PRELOAD]; its own calls are traced like the program's. */
#include <stdio.h>

int rand(void) {
  static unsigned state = 1;
  state = state * 1103515245u + 12345u;
  int value = (int)(state >> 16 & 0x7fff);
  printf("rand gives %d\n", value);
  return value;
}

/* Prints a line, then opens and closes a file, in turn: on a terminal the trace stands between the
 * lines. */
#include <stdio.h>

int main(void) {
  for (int i = 0; i < 3; i++) {
    printf("step %d\n", i);
    FILE *file = fopen("/dev/null", "r");
    if (file != NULL) fclose(file);
  }
  return 0;
}

/* What README.md and the picture trace: reads a file, does not find another, and prints. */
#include <stdio.h>

int main(void) {
  char line[100] = "";
  FILE *file = fopen("greeting.txt", "r");
  if (file != NULL) {
    fgets(line, sizeof line, file);
    fclose(file);
  }
  printf("%s", line);
  fflush(stdout);
  if (fopen("nobody.txt", "r") == NULL) perror("nobody.txt");
  return 3;
}

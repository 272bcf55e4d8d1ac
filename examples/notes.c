/* Writes a note, reads it again and prints it. One failure is not looked at: rewind() writes what
 * fputs() has left in the buffer and has no result. `--explore` finds out what that does. */
#include <stdio.h>
#include <string.h>

static int fail(const char *what) {
  perror(what);
  return 1;
}

int main(void) {
  FILE *notes = tmpfile();
  if (notes == NULL) return fail("tmpfile");
  if (fputs("buy milk\n", notes) == EOF) return fail("fputs");
  rewind(notes);

  char line[80];
  char *note = fgets(line, sizeof line, notes);
  note[strcspn(note, "\n")] = '\0';
  printf("note: %s\n", note);
  if (fflush(stdout) == EOF) return fail("fflush");
  return 0;
}

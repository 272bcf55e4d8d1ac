/* claimed FILE [fault [STATUS]]: saves three notes of seven bytes and waits 20 ms. With "fault"
 * each is synced, and a descriptor closed that was never open. Ends with STATUS; with -1 by
 * SIGTERM. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void note(FILE *file) {
  fputs("a note\n", file);
  fflush(file);
}

static void sync_note(FILE *file) {
  const int fd = fileno(file);
  fsync(fd);
}

int main(int argc, char **argv) {
  const int is_faulty = argc > 2 && strcmp(argv[2], "fault") == 0;
  FILE *file = fopen(argv[1], "w");
  if (file == NULL) return 9;
  for (int i = 0; i < 3; i++) {
    note(file);
    if (is_faulty) sync_note(file);
  }
  fclose(file);
  if (is_faulty) close(1000);
  nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
  const int status = argc > 3 ? atoi(argv[3]) : 0;
  if (status < 0) raise(SIGTERM);
  return status;
}

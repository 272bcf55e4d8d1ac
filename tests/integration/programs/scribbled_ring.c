/* Writes random bytes over what it shares with its tracer, in the middle of its work. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static unsigned char *find_shared(unsigned long *size) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  unsigned long from = 0, to = 0;
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
    if (strstr(line, "wc-shared") != NULL && sscanf(line, "%lx-%lx", &from, &to) == 2)
      break;
    else
      from = to = 0;
  if (maps != NULL) fclose(maps);
  *size = to - from;
  return from != 0 ? (unsigned char *)from : NULL;
}

int main(int argc, char **argv) {
  unsigned long size;
  unsigned char *shared = find_shared(&size);
  srand(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
  enum { kHeader = 3 * 4096, kScopesEnd = 12 * 1024, kRing = 1 << 19 };
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 20; i++) close(-1);
    /* The records of the first thread; its slot's head is left alone. */
    if (shared != NULL && size > kHeader + kRing)
      for (int i = 0; i < 1000; i++)
        shared[kHeader + kScopesEnd + rand() % 8192] = (unsigned char)rand();
    for (int i = 0; i < 3; i++) access("/nowhere", F_OK);
  }
  printf("still here\n");
  return 0;
}

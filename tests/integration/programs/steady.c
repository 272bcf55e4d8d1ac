/* steady THREADS: half a second of files, memory and output in several threads; checks every
 * result, so that a call that the tool spoils shows in the output. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_long wrong;
static struct timespec start;

static long elapsed(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
}

static void *work(void *argument) {
  while (elapsed() < 300) {
    char buffer[32];
    FILE *file = fopen("/etc/passwd", "r");
    if (file == NULL || fread(buffer, 1, 10, file) != 10) wrong++;
    if (file != NULL && fclose(file) != 0) wrong++;
    int fd = open("/dev/zero", O_RDONLY);
    if (fd < 0 || read(fd, buffer, 5) != 5 || lseek(fd, 0, SEEK_CUR) < 0) wrong++;
    if (close(fd) != 0) wrong++;
    char *memory = malloc(200000); /* big enough for mmap */
    memset(memory, 1, 200000);
    free(memory);
    if (access("/nonexistent", F_OK) != -1) wrong++;
  }
  return argument;
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1;
  pthread_t threads[16];
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int i = 1; i < count; i++) pthread_create(&threads[i], NULL, work, NULL);
  work(NULL);
  for (int i = 1; i < count; i++) pthread_join(threads[i], NULL);
  printf("wrong %ld\n", (long)wrong);
  return wrong != 0;
}

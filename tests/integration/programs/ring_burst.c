/* ring_burst N THREADS [FILE]: each thread makes N system calls, lseek(2) to 0, 1, 2, ..., as fast
 * as it can. FILE, mapped, counts those that have returned, a word a thread. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static long rounds;
static volatile long *done;

static void *work(void *argument) {
  long number = (long)argument;
  int fd = open("/etc/passwd", O_RDONLY);
  for (long i = 0; i < rounds; i++) {
    if (lseek(fd, i, SEEK_SET) != i) abort();
    if (done != NULL) done[number] = i + 1;
  }
  close(fd);
  return NULL;
}

int main(int argc, char **argv) {
  enum { kMost = 64 };
  rounds = argc > 1 ? atol(argv[1]) : 1000;
  int count = argc > 2 ? atoi(argv[2]) : 1;
  if (argc > 3) {
    int fd = open(argv[3], O_RDWR | O_CREAT, 0600);
    if (ftruncate(fd, 4096) != 0) return 2;
    done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  printf("begun\n");
  fflush(stdout);
  pthread_t threads[kMost];
  for (long i = 0; i < count && i < kMost; i++)
    if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) return 3;
  for (int i = 0; i < count && i < kMost; i++) pthread_join(threads[i], NULL);
  printf("done\n");
  return 0;
}

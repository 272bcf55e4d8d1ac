/* many_threads N ROUNDS: N threads that come and go, each with memory, files and output. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long bytes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *work(void *argument) {
  long number = (long)argument;
  for (int i = 0; i < 5; i++) {
    char *memory = malloc(1000 + (size_t)number * 100);
    memset(memory, 1, 1000);
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, memory, 100);
    if (n > 0) bytes += n;
    close(fd);
    pthread_mutex_lock(&lock);
    counter++;
    pthread_mutex_unlock(&lock);
    free(memory);
  }
  if (number % 3 == 0) pthread_exit((void *)number);
  return (void *)number;
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 64, rounds = argc > 2 ? atoi(argv[2]) : 2;
  long sum = 0;
  for (int round = 0; round < rounds; round++) {
    pthread_t threads[256];
    for (long i = 0; i < count; i++)
      if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) return 2;
    for (int i = 0; i < count; i++) {
      void *result;
      pthread_join(threads[i], &result);
      sum += (long)result;
    }
  }
  printf("threads %d sum %ld counter %ld bytes %ld\n", count * rounds, sum, counter, (long)bytes);
  return 0;
}

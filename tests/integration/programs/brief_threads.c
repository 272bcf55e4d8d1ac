/* brief_threads N: N threads, a few at once, each with two system calls. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *work(void *argument) {
  lseek(0, (long)argument, SEEK_SET);
  access("/nowhere", F_OK);
  return NULL;
}

int main(int argc, char **argv) {
  enum { kAtOnce = 20 };
  long count = argc > 1 ? atol(argv[1]) : 100;
  pthread_t threads[kAtOnce];
  for (long i = 0; i < count; i++) {
    if (i >= kAtOnce) pthread_join(threads[i % kAtOnce], NULL);
    if (pthread_create(&threads[i % kAtOnce], NULL, work, (void *)i) != 0) return 2;
  }
  for (long i = count < kAtOnce ? 0 : count - kAtOnce; i < count; i++)
    pthread_join(threads[i % kAtOnce], NULL);
  printf("done\n");
  return 0;
}

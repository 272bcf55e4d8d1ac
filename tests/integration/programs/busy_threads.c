/* Eight threads that make syscalls for a second and count them. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { kThreads = 8 };
static volatile int stop;
static volatile long counts[kThreads];

static void *work(void *argument) {
  long self = (long)argument;
  while (!stop) {
    getppid();
    counts[self]++;
  }
  return NULL;
}

int main(void) {
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; i++) pthread_create(&threads[i], NULL, work, (void *)i);
  sleep(1);
  stop = 1;
  for (int i = 0; i < kThreads; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < kThreads; i++) printf("%ld ", counts[i]);
  return 0;
}

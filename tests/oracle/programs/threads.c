/* Threads, each waited for before the next one starts. */
#include <pthread.h>

#include "oracle.h"

static void *work(void *argument) {
  char text[32];
  int size = snprintf(text, sizeof text, "thread %d\n", *(int *)argument);
  ssize_t written = write(1, text, (size_t)size);
  (void)written;
  return NULL;
}

int main(void) {
  for (int i = 0; i < 3; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, &i);
    pthread_join(thread, NULL);
  }
  return 0;
}

/* A thread that is not the leader executes a program while others are busy in calls. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *busy(void *argument) {
  while (argument == NULL) {
    FILE *file = fopen("/etc/passwd", "r");
    if (file != NULL) fclose(file);
  }
  return NULL;
}

static void *blocked(void *argument) {
  char byte;
  return read(*(int *)argument, &byte, 1) < 0 ? NULL : argument;
}

static void *executes(void *argument) {
  (void)argument;
  usleep(10000);
  execl("/bin/sh", "sh", "-c", "echo executed; exit 6", (char *)NULL);
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  int fds[2];
  if (pipe(fds) != 0) return 2;
  pthread_create(&threads[0], NULL, busy, NULL);
  pthread_create(&threads[1], NULL, busy, NULL);
  pthread_create(&threads[2], NULL, blocked, &fds[0]);
  pthread_create(&threads[3], NULL, executes, NULL);
  pthread_join(threads[3], NULL);
  return 9;
}

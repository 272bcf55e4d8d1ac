// Linked statically: nothing can be preloaded into it. A thread, a child, and a syscall of each.
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void *work(void *argument) {
  (void)argument;
  return write(1, "thread\n", 7) == 7 ? NULL : argument;
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, work, NULL);
  pthread_join(thread, NULL);
  if (fork() == 0) _exit(write(1, "child\n", 6) == 6 ? 3 : 1);
  int status = 0;
  wait(&status);
  printf("parent %d\n", WEXITSTATUS(status));
  return 0;
}

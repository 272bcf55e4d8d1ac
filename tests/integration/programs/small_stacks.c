/* Threads and handlers on the smallest stacks that the system allows; deep recursion in callbacks.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void *work(void *argument) {
  char byte;
  int *fds = argument;
  for (int i = 0; i < 50; i++) {
    if (write(fds[1], "x", 1) != 1 || read(fds[0], &byte, 1) != 1) return argument;
    free(malloc(100));
  }
  return NULL;
}

static char alternate[2048 + 8192];
static void on_usr1(int number) {
  char text[] = "handler 0\n";
  text[8] = (char)('0' + number % 10);
  if (write(1, text, 10) != 10) _exit(9);
}

static int depth;
static int deep(const void *a, const void *b) {
  int values[2] = {2, 1};
  (void)a, (void)b;
  if (++depth < 300) qsort(values, 2, sizeof(int), deep);
  if (depth == 300) depth++, (void)!write(1, "deep\n", 5);
  return values[0] < 0;
}

int main(void) {
  int fds[2];
  if (pipe(fds) != 0) return 2;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
  for (int i = 0; i < 8; i++) {
    pthread_t thread;
    void *result = NULL;
    if (pthread_create(&thread, &attributes, work, fds) != 0) return 3;
    pthread_join(thread, &result);
    if (result != NULL) return 4;
  }
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};
  sigaltstack(&stack, NULL);
  sigaction(SIGUSR1, &action, NULL);
  for (int i = 0; i < 5; i++) raise(SIGUSR1);
  int values[2] = {2, 1};
  qsort(values, 2, sizeof(int), deep);
  printf("depth %d\n", depth);
  return 0;
}

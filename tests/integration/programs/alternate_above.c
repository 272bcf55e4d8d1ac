/* A handler inside a call, on an alternate stack at a higher address than the stack it interrupts.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { kStackSize = 65536 };

static void on_signal(int number) {
  (void)number;
  access("/in-handler", F_OK);
}

static int compare(const void *a, const void *b) {
  access("/before", F_OK);
  raise(SIGUSR1);
  access("/after", F_OK);
  return *(const int *)a - *(const int *)b;
}

static void *work(void *stack) {
  stack_t alternate = {.ss_sp = stack, .ss_size = kStackSize};
  sigaltstack(&alternate, NULL);
  int values[2] = {2, 1};
  qsort(values, 2, sizeof values[0], compare);
  return NULL;
}

int main(void) {
  /* The first thread's stack is above all others. */
  char stack[kStackSize];
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, work, stack);
  pthread_join(thread, NULL);
  return 0;
}

/* main ends by pthread_exit; a thread goes on: it forks, makes another thread, writes. Exit
 * status 5. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_t leader;

static void say(const char *what) {
  if (write(1, what, strlen(what)) < 0) _exit(98);
}

static void *inner(void *arg) {
  (void)arg;
  say("inner\n");
  return NULL;
}

static void *outer(void *arg) {
  (void)arg;
  pthread_join(leader, NULL);
  pid_t child = fork();
  if (child == 0) {
    say("child\n");
    _exit(0);
  }
  waitpid(child, NULL, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, inner, NULL);
  pthread_join(thread, NULL);
  say("outer\n");
  exit(5);
}

int main(void) {
  leader = pthread_self();
  pthread_t thread;
  pthread_create(&thread, NULL, outer, NULL);
  pthread_exit(NULL);
}

/* A timer that fires every millisecond while calls run, handlers with calls of their own, two
 * threads: nothing may be lost, doubled or deadlocked. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static int devnull;
static volatile sig_atomic_t ticks, wrong;

static void on_alarm(int number) {
  int saved = errno;
  (void)number;
  ticks++;
  if (write(devnull, "tick", 4) != 4) wrong++;
  errno = saved;
}

static void *work(void *argument) {
  for (int i = 0; i < 150; i++) {
    char buffer[64];
    FILE *file = fopen("/etc/passwd", "r");
    if (file == NULL || fread(buffer, 1, 10, file) != 10) wrong++;
    if (file != NULL) fclose(file);
    errno = 0;
    if (open("/nonexistent", O_RDONLY) != -1 || errno != ENOENT) wrong++;
  }
  return argument;
}

int main(void) {
  devnull = open("/dev/null", O_WRONLY);
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, work, NULL);
  work(NULL);
  pthread_join(thread, NULL);
  while (ticks < 5) usleep(1000);
  memset(&timer, 0, sizeof timer);
  setitimer(ITIMER_REAL, &timer, NULL);
  printf("wrong %d, ticked %d\n", (int)wrong, ticks >= 5);
  return 0;
}

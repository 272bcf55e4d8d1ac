/* Calls with numbers in their paths, so that none can be lost, doubled or moved unseen: each of
 * THREADS threads calls access("/t/N") and open("/t/N") for N = 0, 1, ... until FILE appears, and
 * prints how many it made. With "fork", children do the same beside it, one after another. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *file;
static volatile int over;

static void *count(void *argument) {
  long thread = (long)argument, made = 0;
  char path[64];
  while (!over) {
    snprintf(path, sizeof path, "/%ld/%ld", thread, made++);
    if (access(path, F_OK) == 0 || open(path, O_RDONLY) >= 0) abort();
    if (made % 4 == 0) usleep(1000);
  }
  return (void *)made;
}

int main(int argc, char **argv) {
  int threads = argc > 2 ? atoi(argv[2]) : 1, forks = argc > 3 && strcmp(argv[3], "fork") == 0;
  pthread_t all[64];
  struct stat status;
  if (argc < 2 || threads > 64) return 2;
  file = argv[1];
  for (long i = 0; i < threads; i++) pthread_create(&all[i], NULL, count, (void *)i);
  while (stat(file, &status) != 0) {
    if (forks) {
      pid_t child = fork();
      if (child == 0) {
        char path[64];
        for (int n = 0; n < 50; n++) {
          snprintf(path, sizeof path, "/c%d/%d", (int)getpid(), n);
          if (access(path, F_OK) == 0) abort();
        }
        _exit(0);
      }
      int ended;
      if (waitpid(child, &ended, 0) != child || ended != 0) return 3;
    }
    usleep(2000);
  }
  over = 1;
  for (int i = 0; i < threads; i++) {
    void *made;
    pthread_join(all[i], &made);
    printf("%d %ld\n", i, (long)made);
  }
  return 0;
}

/* Four threads that read the same file; each thread's calls are told apart by its number. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static void *work(void *unused) {
  char buffer[64];
  for (int i = 0; i < 3; i++) {
    int fd = open("/etc/hostname", O_RDONLY);
    if (fd < 0) continue;
    if (read(fd, buffer, sizeof buffer) < 0) return NULL;
    close(fd);
  }
  return unused;
}

int main(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    if (pthread_create(&threads[i], NULL, work, NULL) != 0) return 1;
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  return 0;
}

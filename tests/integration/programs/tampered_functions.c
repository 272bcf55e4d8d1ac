/* The same syscalls by two functions each: rules are to change one of them only. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *outcome(int failed) { return failed ? strerror(errno) : "ok"; }

__attribute__((noinline)) static FILE *use_fopen(void) { return fopen("/etc/hostname", "r"); }

static void *write_once(void *failed) {
  int fd = open("/dev/null", O_WRONLY);
  if (write(fd, "thread", 6) < 0) __atomic_fetch_add((int *)failed, 1, __ATOMIC_RELAXED);
  close(fd);
  return NULL;
}

int main(void) {
  int null = open("/dev/null", O_WRONLY);
  int sink = dup(1);
  char answer[256];
  size_t used = 0;
#define NOTE(...) (used += (size_t)snprintf(answer + used, sizeof answer - used, __VA_ARGS__))

  /* puts writes through its stream. */
  int saved = dup(1);
  dup2(null, 1);
  setvbuf(stdout, NULL, _IONBF, 0);
  int put = puts("unbuffered");
  NOTE("puts %d %s\n", put < 0 ? -1 : 1, outcome(put < 0));
  dup2(saved, 1);

  ssize_t wrote = write(null, "direct", 6);
  NOTE("write %zd %s\n", wrote, outcome(wrote < 0));
  FILE *file = use_fopen();
  char line[64];
  if (file == NULL)
    NOTE("fopen NULL %s\n", strerror(errno));
  else
    NOTE("fopen %s\n", fgets(line, sizeof line, file) != NULL ? "ok" : "empty");
  int fd = open("/etc/hostname", O_RDONLY);
  NOTE("open %s\n", outcome(fd < 0));
  int ends[2];
  if (pipe(ends) == 0 && dprintf(ends[1], "abcdef") == 6) {
    char bytes[8] = "";
    ssize_t got = read(ends[0], bytes, 6);
    NOTE("read %zd %s\n", got, got < 0 ? strerror(errno) : bytes);
  }
  int failed = 0;
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, write_once, &failed);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  NOTE("threads %d failed\n", failed);
  /* Not by write: its rules are not for this one. */
  dprintf(sink, "%s", answer);
  return 0;
}

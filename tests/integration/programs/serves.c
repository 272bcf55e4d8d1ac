/* serves THREADS [calls]: a server that others attach to. Its threads count up, make system calls,
 * wait in calls that interruptions end with EINTR, and note whatever is not as it should be; with
 * "calls" they do nothing but call a function. "stop" on standard input, and it says what it has
 * seen. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_long turns, wrong, interrupted;
static atomic_int over;

__attribute__((noinline)) long work(long n) {
  char byte[8];
  int fd = open("/dev/zero", O_RDONLY);
  if (fd < 0 || read(fd, byte, sizeof byte) != sizeof byte) wrong++;
  if (close(fd) != 0) wrong++;
  return n + 1;
}

static void *busy(void *unused) {
  for (long n = 0; !over; n++) {
    if (work(n) != n + 1) wrong++;
    turns++;
    if (n % 64 == 0) usleep(500);
  }
  return unused;
}

/* Nobody sends it signals: an EINTR is the tracer's. (SIGCHLD, which is ignored otherwise, does
 * interrupt the threads of a traced process, whoever traces it.) */
static void *waits(void *unused) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &child, NULL);
  int set = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event;
  while (!over) {
    int got = epoll_wait(set, &event, 1, 50);
    if (got < 0 && errno == EINTR)
      interrupted++;
    else if (got != 0)
      wrong++;
  }
  close(set);
  return unused;
}

static void *short_lived(void *unused) { return unused; }

static void *makes_threads(void *unused) {
  while (!over) {
    pthread_t one;
    if (pthread_create(&one, NULL, short_lived, NULL) != 0 || pthread_join(one, NULL) != 0) wrong++;
    usleep(2000);
  }
  return unused;
}

static void *makes_children(void *unused) {
  while (!over) {
    pid_t child = fork();
    int status = 0;
    if (child == 0) _exit(work(1) == 2 ? 7 : 1);
    if (waitpid(child, &status, 0) != child || status != 7 << 8) wrong++;
    usleep(5000);
  }
  return unused;
}

__attribute__((noinline)) long step(long n) { return n + 1; }

static void *calls(void *unused) {
  for (long n = 0; !over; n++)
    if (step(n) != n + 1) wrong++;
  return unused;
}

int main(int argc, char **argv) {
  static void *(*const kinds[])(void *) = {busy, waits, makes_threads, makes_children};
  int calls_only = argc > 2 && strcmp(argv[2], "calls") == 0;
  int count = argc > 1 ? atoi(argv[1]) : 4;
  pthread_t threads[64];
  for (int i = 0; i < count && i < 64; i++)
    pthread_create(&threads[i], NULL, calls_only ? calls : kinds[i % 4], NULL);
  printf("ready\n");
  fflush(stdout);
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL && strncmp(line, "stop", 4) != 0) {
    printf("turns %ld\n", (long)turns);
    fflush(stdout);
  }
  over = 1;
  for (int i = 0; i < count && i < 64; i++) pthread_join(threads[i], NULL);
  printf("wrong %ld interrupted %ld\n", (long)wrong, (long)interrupted);
  return wrong != 0 || interrupted != 0;
}

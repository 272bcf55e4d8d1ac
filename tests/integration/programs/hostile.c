/* hostile MODE [COUNT]: what a program does that means harm to its tracer, or does not care. Ends
 * with status 23 where it survives itself. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kSurvived = 23 };

static void some_calls(void) {
  for (int i = 0; i < 3; i++) access("/nowhere", F_OK);
}

/* Forks until COUNT children are alive together. */
static int forks(int count) {
  int alive[2];
  char byte;
  if (pipe(alive) != 0) return 1;
  pid_t child = 0;
  int made = 0;
  for (; made < count; made++) {
    child = fork();
    if (child <= 0) break;
    some_calls();
  }
  if (child == 0) {
    close(alive[1]);
    some_calls();
    read(alive[0], &byte, 1); /* until the first process lets go */
    _exit(0);
  }
  close(alive[1]);
  while (wait(NULL) > 0 || errno == EINTR) continue;
  return made > 0 ? kSurvived : 1;
}

/* Becomes itself, again and again. */
static int execs(char *self, int count) {
  char left[16];
  some_calls();
  if (count == 0) return kSurvived;
  snprintf(left, sizeof left, "%d", count - 1);
  execl(self, self, "execs", left, (char *)NULL);
  return 1;
}

static unsigned char *shared_memory(size_t *size) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  unsigned long from = 0, to = 0;
  *size = 0;
  while (maps != NULL && *size == 0 && fgets(line, sizeof line, maps) != NULL)
    if (strstr(line, "wc-shared") != NULL && sscanf(line, "%lx-%lx", &from, &to) == 2)
      *size = to - from;
  if (maps != NULL) fclose(maps);
  return (unsigned char *)from;
}

static void *scribbler(void *unused) {
  size_t size;
  unsigned char *memory = shared_memory(&size);
  unsigned seed = 1;
  size_t reach = size < 1 << 20 ? size : 1 << 20; /* the first threads' slots and rings */
  for (int i = 0; reach != 0 && i < 20000; i++) {
    memory[(size_t)rand_r(&seed) % reach] = (unsigned char)rand_r(&seed);
    if (i % 100 == 0) usleep(100);
  }
  return unused;
}

static void *caller(void *count) {
  for (int i = *(int *)count; i > 0; i--) some_calls();
  return NULL;
}

/* Unmaps what it shares with the tracer, or pages of it, between calls of two threads. */
static int unmaps(int count) {
  pthread_t thread;
  pthread_create(&thread, NULL, caller, &count);
  for (int i = 0; i < count; i++) {
    size_t size, page = 4096;
    unsigned char *memory = shared_memory(&size);
    if (i % 2)
      munmap(memory, size);
    else
      for (int k = 0; k < 8; k++) munmap(memory + 2 * k * page, page);
    some_calls();
  }
  pthread_join(thread, NULL);
  return kSurvived;
}

/* Random bytes all over what it shares with the tracer: counters, scopes, rings, while its threads
 * make calls. It may well die of it. */
static int scribbles(int count) {
  pthread_t thread;
  alarm(5); /* it may also lock itself up */
  pthread_create(&thread, NULL, scribbler, NULL);
  for (int i = 0; i < count; i++) some_calls();
  pthread_join(thread, NULL);
  return kSurvived;
}

/* The tracer's socket lies in the folder from which the shim was mapped. */
static int socket_path(char *path, size_t size) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  int found = 0;
  while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL) {
    char *name = strchr(line, '/'), *end = strstr(line, "/libwc_preload.so");
    if (name == NULL || end == NULL) continue;
    snprintf(path, size, "%.*s/socket", (int)(end - name), name);
    found = 1;
  }
  if (maps != NULL) fclose(maps);
  return found;
}

/* Connections without end, some with garbage, some with all that a packet holds, none ever read. */
static int floods(int count) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  static char garbage[65536];
  struct rlimit files = {4096, 4096};
  setrlimit(RLIMIT_NOFILE, &files);
  if (!socket_path(address.sun_path, sizeof address.sun_path)) return kSurvived;
  for (int i = 0; i < count; i++) {
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
      for (int j = 0; j < 5; j++) {
        memset(garbage, rand(), sizeof garbage);
        memcpy(garbage, "WCI0\1\0\1\0", rand() % 9); /* now and then like a message */
        send(fd, garbage, (size_t)rand() % sizeof garbage, MSG_NOSIGNAL);
      }
    if (fd >= 0 && i % 3 != 0) close(fd);
    if (i % 100 == 0) some_calls();
  }
  return kSurvived;
}

/* Every descriptor closed, every number taken by something else, over and over. */
static int reuses(int count) {
  for (int i = 0; i < count; i++) {
    for (int fd = 3; fd < 256; fd++) close(fd);
    if (i % 2 == 0) close_range(3, ~0U, 0);
    int pair[2];
    if (pipe(pair) != 0) return 1;
    for (int fd = 5; fd < 64; fd++) dup2(pair[fd % 2], fd);
    some_calls();
    if (fork() == 0) _exit(access("/nowhere", F_OK) == 0);
    wait(NULL);
  }
  return kSurvived;
}

static void *short_thread(void *unused) {
  some_calls();
  return unused;
}

/* Threads that come and go. */
static int threads(int count) {
  for (int i = 0; i < count; i++) {
    pthread_t some[8];
    int made = 0;
    while (made < 8 && pthread_create(&some[made], NULL, short_thread, NULL) == 0) made++;
    while (made > 0) pthread_join(some[--made], NULL);
  }
  return kSurvived;
}

/* A child keeps what its parent had open, and sends through all of it, whatever it is, while the
 * parent becomes itself again and again: who is at the other end cannot know by the descriptor. */
static void send_on_everything(void) {
  static char garbage[512];
  long rounds = 0;
  memcpy(garbage, "WCI0\1\0\1\0", 8);
  for (pid_t parent = getppid(); getppid() == parent && rounds < 200000; rounds++)
    for (int fd = 3; fd < 256; fd++) {
      int type;
      socklen_t size = sizeof type;
      if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) continue;
      send(fd, garbage, (size_t)rand() % sizeof garbage, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  _exit(0);
}

static int holds(char *self, int count) {
  char left[16];
  some_calls();
  if (count == 0) return kSurvived;
  if (count % 10 == 0 && fork() == 0) send_on_everything();
  snprintf(left, sizeof left, "%d", count - 1);
  execl(self, self, "holds", left, (char *)NULL);
  return 1;
}

/* Left by longjmp: system calls that wait, handlers, handlers of handlers, on the thread's stack
 * and on one that is far away. */
static sigjmp_buf out;
static void leave(int number) {
  access("/nowhere", F_OK);
  if (number == SIGALRM) raise(SIGUSR1);
  siglongjmp(out, 1);
}

static int jumps(int count) {
  enum { kFar = 8 << 20, kSize = 65536 };
  char *memory = mmap(NULL, kFar, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack = {.ss_sp = memory, .ss_size = kSize};
  struct itimerval soon = {.it_value = {.tv_usec = 500}};
  volatile int left = count;
  sigaltstack(&stack, NULL);
  while (left-- > 0) {
    struct sigaction action = {.sa_handler = leave, .sa_flags = left % 2 ? SA_ONSTACK : 0};
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    if (sigsetjmp(out, 1) != 0) continue;
    setitimer(ITIMER_REAL, &soon, NULL);
    for (;;) pause();
  }
  some_calls();
  return kSurvived;
}

static volatile sig_atomic_t caught;
static void count_it(int number) {
  (void)number;
  caught++;
  access("/nowhere", F_OK);
}

/* The signals by which the gates stop a thread, sent by itself. */
static int signals(int count) {
  signal(SIGSYS, count_it);
  signal(SIGTRAP, count_it);
  for (int i = 0; i < count; i++) {
    raise(i % 2 != 0 ? SIGSYS : SIGTRAP);
    some_calls();
  }
  return caught == count ? kSurvived : 1;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  int count = argc > 2 ? atoi(argv[2]) : 100;
  if (strcmp(mode, "forks") == 0) return forks(count);
  if (strcmp(mode, "execs") == 0) return execs(argv[0], count);
  if (strcmp(mode, "scribbles") == 0) return scribbles(count);
  if (strcmp(mode, "unmaps") == 0) return unmaps(count);
  if (strcmp(mode, "floods") == 0) return floods(count);
  if (strcmp(mode, "reuses") == 0) return reuses(count);
  if (strcmp(mode, "threads") == 0) return threads(count);
  if (strcmp(mode, "signals") == 0) return signals(count);
  if (strcmp(mode, "holds") == 0) return holds(argv[0], count);
  if (strcmp(mode, "jumps") == 0) return jumps(count);
  return fprintf(
             stderr,
             "hostile forks|execs|scribbles|floods|reuses|threads|signals|holds|jumps [COUNT]\n"),
         99;
}

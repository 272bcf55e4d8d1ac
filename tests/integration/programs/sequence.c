/* sequence PART...: parts whose library calls and system calls are known exactly; test_events.py
 * names them. Every part begins and ends with a getppid, which nothing else here calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int pipe_fds[2];

static void nested(void) {
  FILE *file =
      fopen("/etc/passwd", "r"); /* line NESTED_FOPEN: test_events.py looks for this text */
  char line[64];
  if (fgets(line, sizeof line, file) == NULL) abort();
  fclose(file);
}

/* Calls that are selected among calls that are not, and system calls without any call. */
static void outside(void) {
  char byte;
  int fd = open("/dev/zero", O_RDONLY);
  for (int i = 0; i < 3; i++) {
    if (read(fd, &byte, 1) != 1) abort();
    long ignored;
    __asm__ volatile("syscall" : "=a"(ignored) : "0"(SYS_getuid) : "rcx", "r11", "memory");
    if (lseek(fd, 0, SEEK_CUR) < 0) abort();
  }
  close(fd);
}

static void errors(void) {
  char byte;
  if (open("/nonexistent/file", O_RDONLY) != -1 || errno != ENOENT) abort();
  if (read(-1, &byte, 1) != -1 || errno != EBADF) abort();
  if (mkdir("/", 0700) != -1 || errno != EEXIST) abort();
  if (rmdir("/proc") != -1) abort();
  if (chdir("/etc/passwd") != -1 || errno != ENOTDIR) abort();
  if (dup2(1, -1) != -1 || errno != EBADF) abort();
}

static void on_alarm(int number) {
  (void)number;
  if (write(pipe_fds[1], "abc", 3) != 3) abort();
}

/* The handler runs inside read and lets it end. */
static void in_signal(void) {
  char bytes[8];
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  struct itimerval timer = {.it_value = {0, 50000}};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &timer, NULL);
  if (read(pipe_fds[0], bytes, sizeof bytes) != 3) abort();
}

static jmp_buf jump;
static int leave(const void *a, const void *b) {
  (void)a, (void)b;
  if (write(pipe_fds[1], "x", 1) != 1) abort();
  longjmp(jump, 1);
}

static void unwound(void) {
  int values[] = {2, 1};
  char byte;
  if (setjmp(jump) == 0) qsort(values, 2, sizeof values[0], leave);
  if (read(pipe_fds[0], &byte, 1) != 1) abort(); /* must not seem to be inside qsort */
}

static void *thread_work(void *argument) {
  long number = (long)argument;
  char bytes[64];
  int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  for (long i = 1; i <= 10; i++)
    if (pread(fd, bytes, (size_t)(number * 10 + 1), i) != number * 10 + 1) abort();
  return NULL;
}

static void threads(void) {
  pthread_t running[4];
  for (long i = 0; i < 4; i++) pthread_create(&running[i], NULL, thread_work, (void *)i);
  for (int i = 0; i < 4; i++) pthread_join(running[i], NULL);
}

static void children(void) {
  for (int i = 0; i < 3; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      for (int n = 0; n <= i; n++)
        if (access("/dev/null", F_OK) != 0) abort();
      _exit(i);
    }
    waitpid(pid, NULL, 0);
  }
}

/* What is printed to a pipe or file is written at exit only. */
static void values(void) {
  if (printf("%s %d\n", "text", 42) != 8) abort();
  if (fflush(stdout) != 0) abort();
  if (puts("line") < 0) abort();
  fflush(stdout);
  if (strlen("four") != 4) abort(); /* makes no system call: not reported without -a */
}

static void repeated(void) {
  for (int i = 0; i < 1000; i++)
    if (access("/dev/null", F_OK) != 0) abort();
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } parts[] = {{"nested", nested},     {"outside", outside}, {"errors", errors},
               {"signal", in_signal},  {"unwound", unwound}, {"threads", threads},
               {"children", children}, {"values", values},   {"repeated", repeated}};
  if (pipe(pipe_fds) != 0) return 2;
  for (int i = 1; i < argc; i++)
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++)
      if (strcmp(argv[i], parts[p].name) == 0) {
        getppid();
        parts[p].run();
        getppid();
      }
  return 0;
}

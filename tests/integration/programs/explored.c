/* System calls whose failure each ends in another way: what --explore has to tell apart. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void crash(void) {
  FILE *hosts = fopen("/dev/null", "r");
  *(volatile char *)hosts;
}

/* With a process outside of its group, which must not stay either. */
static void hang(int zero) {
  char byte;
  if (read(zero, &byte, 1) >= 0) return;
  if (fork() == 0) setsid();
  for (;;) pause();
}

static void other_status(int zero) {
  if (lseek(zero, 0, SEEK_SET) < 0) _exit(3);
}

static void other_output(void) {
  if (access("/", F_OK) != 0) dprintf(STDOUT_FILENO, "no root\n");
  if (dup2(STDOUT_FILENO, 9) < 0) dprintf(STDERR_FILENO, "no dup2\n");
}

static void ignored(void) {
  if (chdir(".") != 0) errno = 0;
  if (unlink("/nonexistent/file") != 0) errno = 0; /* fails anyway */
}

/* One function, two places; the second one comes there twice. */
static void places(int null) {
  if (write(null, "a", 1) != 1) _exit(4);
  for (int i = 0; i < 2; i++)
    if (write(null, "b", 1) != 1) _exit(5 + i);
}

static void all(void) {
  const int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
  crash();
  hang(zero);
  other_status(zero);
  other_output();
  ignored();
  places(null);
  close(null);
}

static void *thread(void *null) {
  if (write(*(int *)null, "x", 1) != 1) abort();
  return NULL;
}

static void threads(void) {
  int null = open("/dev/null", O_WRONLY);
  pthread_t them[3];
  for (int i = 0; i < 3; i++) pthread_create(&them[i], NULL, thread, &null);
  for (int i = 0; i < 3; i++) pthread_join(them[i], NULL);
}

static void child(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (chdir(".") != 0) abort();
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

/* What runs at the same time would see each other's file. */
static void alone(const char *name) {
  const int file = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (file < 0) {
    puts("somebody else is here");
    return;
  }
  if (chdir(".") != 0) errno = 0;
  usleep(50000);
  unlink(name);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "all") == 0) all();
  if (strcmp(what, "threads") == 0) threads();
  if (strcmp(what, "child") == 0) child();
  if (strcmp(what, "alone") == 0) alone(argv[2]);
  if (strcmp(what, "dies") == 0) {
    if (chdir(".") != 0) return 2;
    raise(SIGTERM);
  }
  if (strcmp(what, "input") == 0) {
    char byte;
    if (read(STDIN_FILENO, &byte, 1) != 1) return 7;
  }
  if (strcmp(what, "pid") == 0) {
    if (chdir(".") != 0) return 2;
    printf("%d\n", getpid());
  }
  return 0;
}

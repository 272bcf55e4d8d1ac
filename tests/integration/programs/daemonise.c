/* A daemon by the book: double fork, setsid, descriptors closed, output into a file. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  int done[2];
  if (pipe(done) != 0) return 2;
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    signal(SIGHUP, SIG_IGN);
    if (fork() != 0) _exit(0);
    umask(022);
    for (int fd = 0; fd < 1024; fd++)
      if (fd != done[1]) close(fd);
    if (open("/dev/null", O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2) _exit(3);
    FILE *file = fopen("daemon.txt", "w");
    for (int i = 0; i < 100; i++) fprintf(file, "line %d parent is us %d\n", i, getppid() == 0);
    fclose(file);
    if (write(done[1], "x", 1) != 1) _exit(4);
    usleep(100000); /* outlives the first process */
    file = fopen("daemon.txt", "a");
    fputs("last words\n", file);
    fclose(file);
    _exit(0);
  }
  int status;
  close(done[1]);
  waitpid(pid, &status, 0);
  char byte;
  printf("started, status %d\n", WEXITSTATUS(status));
  return read(done[0], &byte, 1) == 1 ? 0 : 5;
}

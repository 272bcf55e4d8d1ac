/* A child that becomes echo, with an empty environment: it is followed all the same. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    char *arguments[] = {"echo", "hello from the child", NULL}, *nothing[] = {NULL};
    execve("/bin/echo", arguments, nothing);
    _exit(127);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return 1;
  printf("the child ended with %d\n", WEXITSTATUS(status));
  return 0;
}

/* Every usual way to start a program. */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void report(const char *how, pid_t pid) {
  int status = -1;
  waitpid(pid, &status, 0);
  printf("%s: exited %d %d\n", how, WIFEXITED(status), WEXITSTATUS(status));
  fflush(stdout);
}

int main(void) {
  pid_t pid = vfork();
  if (pid == 0) {
    execl("/bin/sh", "sh", "-c", "echo from vfork; exit 3", (char *)NULL);
    _exit(127);
  }
  report("vfork", pid);

  pid = vfork();
  if (pid == 0) {
    execl("/nonexistent/program", "x", (char *)NULL);
    _exit(126);
  }
  report("vfork of nothing", pid);

  char *arguments[] = {"sh", "-c", "echo from spawn; exit 4", NULL};
  if (posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ) == 0) report("spawn", pid);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  if (posix_spawnp(&pid, "sh", &actions, NULL, arguments, environ) == 0) report("spawnp", pid);
  posix_spawn_file_actions_destroy(&actions);
  printf("spawn of nothing: %d\n",
         posix_spawn(&pid, "/nonexistent", NULL, NULL, arguments, environ));

  fflush(stdout);
  printf("system: %d\n", WEXITSTATUS(system("echo from system; exit 5")));
  printf("system null: %d\n", system(NULL) != 0);
  fflush(stdout);
  FILE *pipe = popen("echo from popen; exit 6", "r");
  char line[64] = "";
  printf("popen read: %s", fgets(line, sizeof line, pipe));
  printf("pclose: %d\n", WEXITSTATUS(pclose(pipe)));
  fflush(stdout);
  pipe = popen("cat", "w");
  fputs("to cat\n", pipe);
  printf("pclose: %d\n", WEXITSTATUS(pclose(pipe)));
  return 0;
}

/* How children end, as their parent sees it. */
#include <sys/resource.h>
#include <sys/wait.h>

#include "oracle.h"

static pid_t child(int how) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  if (how < 0) {
    raise(-how);
    _exit(0);
  }
  _exit(how);
}

int main(void) {
  int status;
  struct rusage usage;
  siginfo_t info;
  child(0);
  CALL(wait4, -1, &status, 0, NULL);
  child(42);
  CALL(wait4, -1, &status, __WALL, &usage);
  child(-SIGKILL);
  CALL(wait4, -1, &status, 0, NULL);
  child(-SIGTERM);
  CALL(waitid, P_ALL, 0, &info, WEXITED, NULL);
  pid_t stopped = child(-SIGSTOP);
  CALL(wait4, stopped, &status, WUNTRACED, NULL);
  CALL(wait4, stopped, &status, WNOHANG, NULL);
  kill(stopped, SIGCONT);
  CALL(wait4, stopped, &status, 0, NULL);
  child(3);
  CALL(waitid, P_ALL, 0, &info, WEXITED | WNOWAIT, NULL);
  CALL(waitid, P_ALL, 0, &info, WEXITED, &usage);
  CALL(waitid, P_PID, 999999, &info, WEXITED | WNOHANG, NULL);
  CALL(wait4, -1, &status, WNOHANG, NULL);
  CALL(wait4, -1, NULL, 0, NULL);
  return 7;
}

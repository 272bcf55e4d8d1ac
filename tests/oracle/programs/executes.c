/* execve: vectors of arguments, failures, and the last one that works. */
#include "oracle.h"

int main(void) {
  char *argv[] = {"echo", "one", "two\twith\ttabs",
                  "a long argument of more than thirty-two characters", NULL};
  char *many[50];
  for (unsigned i = 0; i < COUNT(many) - 1; i++) many[i] = "x";
  many[COUNT(many) - 1] = NULL;
  char *env[] = {"A=1", "B=2", NULL}, *one[] = {"A=1", NULL}, *none[] = {NULL};
  CALL(execve, "/no/such/program", argv, env);
  CALL(execve, "/no/such/program", many, one);
  CALL(execve, "/no/such/program", none, none);
  CALL(execve, "/etc/passwd", argv, NULL);
  CALL(execve, "", NULL, NULL);
  CALL(execveat, AT_FDCWD, "missing", argv, env, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
  CALL(execve, "/bin/echo", argv, env);
  return 0;
}

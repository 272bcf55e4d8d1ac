/* Ways to open a file, and the questions about access to it. */
#include <linux/openat2.h>

#include "oracle.h"

int main(void) {
  close(make_file("file", "some text"));
  const int flags[] = {O_RDONLY,
                       O_WRONLY | O_APPEND,
                       O_RDWR | O_SYNC,
                       O_RDONLY | O_DIRECTORY,
                       O_PATH,
                       O_RDONLY | O_NOFOLLOW | O_CLOEXEC,
                       O_RDWR | O_DSYNC | O_NONBLOCK,
                       O_WRONLY | O_TRUNC,
                       O_RDONLY | O_NOATIME,
                       O_RDWR | O_EXCL,
                       O_RDONLY | O_DIRECT,
                       3};
  for (unsigned i = 0; i < COUNT(flags); i++)
    close((int)CALL(openat, AT_FDCWD, "file", flags[i], 0));
  close((int)CALL(open, "new", O_CREAT | O_WRONLY | O_EXCL, 0640));
  close((int)CALL(openat, AT_FDCWD, ".", O_TMPFILE | O_RDWR, 0600));
  close((int)CALL(creat, "created", 0444));
  CALL(open, "/no/such/file", O_RDONLY);
  CALL(open, NULL, O_RDONLY);
  CALL(open, NOWHERE, O_RDONLY);
  CALL(openat, -1, "relative", O_RDONLY);
  struct open_how how = {.flags = O_RDONLY | O_CLOEXEC,
                         .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
  close((int)CALL(openat2, AT_FDCWD, "file", &how, sizeof how));
  struct open_how create = {.flags = O_CREAT | O_RDWR, .mode = 0604, .resolve = RESOLVE_IN_ROOT};
  close((int)CALL(openat2, AT_FDCWD, "other", &create, sizeof create));
  CALL(openat2, AT_FDCWD, "file", NULL, sizeof how);
  CALL(openat2, AT_FDCWD, "file", &how, 8);
  CALL(access, "file", F_OK);
  CALL(access, "file", R_OK | W_OK | X_OK);
  CALL(faccessat, AT_FDCWD, "missing", R_OK);
  CALL(faccessat2, AT_FDCWD, "file", W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
  CALL(umask, 027);
  CALL(umask, 0);
  CALL(dup, 1);
  CALL(dup2, 1, 17);
  CALL(dup3, 1, 18, O_CLOEXEC);
  CALL(close_range, 17, 18, 0);
  CALL(close_range, 30, ~0u, 4);
  CALL(close, 999);
  return 0;
}

/* struct stat, statx and statfs of every kind of file. */
#include <linux/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "oracle.h"
struct kernel_stat {
  char bytes[144];
};

int main(void) {
  struct kernel_stat buffer;
  struct statx extended;
  struct statfs fs;
  int fd = make_file("plain", "text");
  symlink("plain", "link");
  mkdir("folder", 0750);
  mknod("pipe", S_IFIFO | 0600, 0);
  mknod("node", S_IFCHR | 0600, makedev(1, 3));
  chmod("plain", 04755);
  const char *names[] = {"plain",     "link",     "folder", "pipe",           "missing",
                         "/dev/null", "/dev/tty", "/",      "/proc/self/stat"};
  for (unsigned i = 0; i < COUNT(names); i++) {
    CALL(stat, names[i], &buffer);
    CALL(lstat, names[i], &buffer);
    CALL(newfstatat, AT_FDCWD, names[i], &buffer, AT_SYMLINK_NOFOLLOW);
    CALL(statx, AT_FDCWD, names[i], AT_STATX_SYNC_AS_STAT | AT_NO_AUTOMOUNT, STATX_ALL, &extended);
    CALL(statfs, names[i], &fs);
  }
  CALL(fstat, fd, &buffer);
  CALL(newfstatat, fd, "", &buffer, AT_EMPTY_PATH);
  CALL(statx, fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS | STATX_BTIME,
       &extended);
  CALL(statx, AT_FDCWD, "plain", AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_MODE, &extended);
  CALL(fstatfs, fd, &fs);
  CALL(fstat, -1, &buffer);
  CALL(stat, "plain", NULL);
  CALL(stat, NULL, &buffer);
  return 0;
}

/* Calls that change files: names, sizes, modes, owners, times. */
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <utime.h>

#include "oracle.h"

int main(void) {
  int fd = make_file("a", "0123456789");
  CALL(rename, "a", "b");
  CALL(renameat, AT_FDCWD, "b", AT_FDCWD, "c");
  CALL(renameat2, AT_FDCWD, "c", AT_FDCWD, "a", 1);
  CALL(link, "a", "hard");
  CALL(linkat, AT_FDCWD, "a", AT_FDCWD, "hard2", AT_SYMLINK_FOLLOW);
  CALL(symlink, "a", "soft");
  CALL(symlinkat, "a", AT_FDCWD, "soft2");
  char target[64];
  CALL(readlink, "soft", target, sizeof target);
  CALL(readlinkat, AT_FDCWD, "soft2", target, 0ul + sizeof target);
  CALL(readlink, "a", target, sizeof target);
  CALL(unlink, "hard");
  CALL(unlinkat, AT_FDCWD, "hard2", 0);
  CALL(mkdir, "folder", 0755);
  CALL(mkdirat, AT_FDCWD, "folder/inner", 01777);
  CALL(unlinkat, AT_FDCWD, "folder/inner", AT_REMOVEDIR);
  CALL(rmdir, "folder");
  CALL(truncate, "a", 5l);
  CALL(ftruncate, fd, 4096l);
  CALL(fallocate, fd, 0, 0l, 8192l);
  CALL(fallocate, fd, 3, 0l, 4096l);
  CALL(chmod, "a", 0600);
  CALL(fchmod, fd, 04711);
  CALL(fchmodat, AT_FDCWD, "a", 0644);
  CALL(chown, "a", 1, 2);
  CALL(fchown, fd, -1, 0);
  CALL(lchown, "soft", 0, -1);
  CALL(fchownat, AT_FDCWD, "a", 0, 0, AT_SYMLINK_NOFOLLOW);
  CALL(mknod, "fifo", S_IFIFO | 0600, 0);
  CALL(mknodat, AT_FDCWD, "null", S_IFCHR | 0666, makedev(1, 3));
  struct timespec times[2] = {{1000, 5}, {0, UTIME_OMIT}};
  struct timespec now[2] = {{0, UTIME_NOW}, {1234567890, 999999999}};
  CALL(utimensat, AT_FDCWD, "a", times, 0);
  CALL(utimensat, AT_FDCWD, "a", now, AT_SYMLINK_NOFOLLOW);
  CALL(utimensat, fd, NULL, NULL, 0);
  struct timeval old[2] = {{1, 2}, {1600000000, 4}};
  CALL(utimes, "a", old);
  CALL(futimesat, AT_FDCWD, "a", old);
  struct utimbuf both = {100, 200};
  CALL(utime, "a", &both);
  CALL(lseek, fd, 3l, SEEK_SET);
  CALL(lseek, fd, -1l, SEEK_END);
  CALL(lseek, fd, 0l, SEEK_HOLE);
  CALL(lseek, fd, 0l, 77);
  CALL(fsync, fd);
  CALL(fdatasync, fd);
  CALL(sync_file_range, fd, 0l, 0l, 2);
  CALL(fadvise64, fd, 0l, 100l, POSIX_FADV_WILLNEED);
  CALL(readahead, fd, 0l, 100l);
  CALL(flock, fd, 2 | 4);
  CALL(flock, fd, 8);
  return 0;
}

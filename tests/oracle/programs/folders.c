/* Folders and what watches them. */
#include <sys/fanotify.h>
#include <sys/inotify.h>

#include "oracle.h"

int main(void) {
  mkdir("folder", 0755);
  close(make_file("folder/one", ""));
  close(make_file("folder/two", ""));
  int fd = open("folder", O_RDONLY | O_DIRECTORY);
  char bytes[4096];
  CALL(getdents64, fd, bytes, sizeof bytes);
  CALL(getdents64, fd, bytes, sizeof bytes);
  lseek(fd, 0, SEEK_SET);
  CALL(getdents, fd, bytes, sizeof bytes);
  CALL(getdents64, -1, bytes, 100ul);
  CALL(chdir, "folder");
  CALL(fchdir, fd);
  CALL(chroot, "/no/such/folder");
  CALL(pivot_root, "a", "b");
  int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  int id = inotify_add_watch(watch, ".", IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_ONLYDIR);
  close(make_file("three", ""));
  CALL(inotify_rm_watch, watch, id);
  CALL(inotify_rm_watch, watch, 77);
  CALL(inotify_init);
  CALL(inotify_add_watch, -1, "x", IN_ALL_EVENTS);
  int notify = (int)CALL(fanotify_init, FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY | O_LARGEFILE);
  CALL(fanotify_mark, notify, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE, AT_FDCWD, ".");
  CALL(fanotify_mark, -1, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_MODIFY, AT_FDCWD, "x");
  return 0;
}

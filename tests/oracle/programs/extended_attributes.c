/* Extended attributes. */
#include <sys/xattr.h>

#include "oracle.h"

int main(void) {
  int fd = make_file("file", "text");
  char text[64];
  CALL(setxattr, "file", "user.name", "value", 5ul, XATTR_CREATE);
  CALL(fsetxattr, fd, "user.bytes", "\0\1\2", 3ul, 0);
  CALL(lsetxattr, "file", "user.text", "ends with NUL", 14ul, XATTR_REPLACE);
  CALL(getxattr, "file", "user.name", text, 64ul);
  CALL(fgetxattr, fd, "user.bytes", text, 64ul);
  CALL(lgetxattr, "file", "user.none", text, 64ul);
  CALL(getxattr, "file", "user.name", NULL, 0ul);
  CALL(listxattr, "file", text, 64ul);
  CALL(flistxattr, fd, NULL, 0ul);
  CALL(llistxattr, "missing", text, 64ul);
  CALL(removexattr, "file", "user.name");
  CALL(fremovexattr, fd, "user.none");
  CALL(lremovexattr, "file", "user.bytes");
  return 0;
}

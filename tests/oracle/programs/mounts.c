/* Mount calls, which fail: their arguments are what is looked at. */
#include <linux/mount.h>

#include "oracle.h"

int main(void) {
  CALL(mount, "source", "/no/such/target", "tmpfs", 1 | 2 | 4, "size=1m");
  CALL(mount, NULL, "/no/such/target", NULL, 4096 | 16384, NULL);
  CALL(mount, "none", "/no/such/target", NULL, 32 | 1, NULL);
  CALL(umount2, "/no/such/target", 2 | 8);
  CALL(fsopen, "no-such-type", 1);
  CALL(fsconfig, -1, 0, "key", NULL, 0);
  CALL(fsconfig, -1, 1, "key", "value", 0);
  CALL(fsconfig, -1, 6, NULL, NULL, 0);
  CALL(fsmount, -1, 1, 1 | 4);
  CALL(open_tree, AT_FDCWD, "/no/such", 0x80001);
  CALL(move_mount, -1, "", AT_FDCWD, "/no/such", 4);
  CALL(fspick, AT_FDCWD, "/no/such", 1);
  struct mount_attr attributes = {.attr_set = 1, .propagation = 1 << 20};
  CALL(mount_setattr, -1, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes);
  CALL(swapon, "/no/such", 0x8000);
  CALL(swapoff, "/no/such");
  CALL(acct, "/no/such/file");
  CALL(quotactl, 0x80000700, "/dev/null", 0, NULL);
  CALL(name_to_handle_at, AT_FDCWD, "/no/such", NULL, NULL, 0);
  CALL(delete_module, "no_such_module", O_NONBLOCK);
  CALL(finit_module, -1, "", 0);
  CALL(init_module, NULL, 0ul, "");
  CALL(syncfs, -1);
  CALL(ustat, 0, NULL);
  return 0;
}

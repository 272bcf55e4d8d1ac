/* Who a process is: users, groups, capabilities. */
#include <grp.h>
#include <linux/capability.h>

#include "oracle.h"

int main(void) {
  unsigned real, effective, saved;
  CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid);
  CALL(getresuid, &real, &effective, &saved);
  CALL(getresgid, &real, &effective, &saved);
  gid_t groups[64] = {10, 20};
  CALL(getgroups, 0, NULL);
  CALL(getgroups, 64, groups);
  CALL(getgroups, -1, groups);
  groups[0] = 10, groups[1] = 20;
  CALL(setgroups, 2, groups);
  CALL(getgroups, 64, groups);
  CALL(setgroups, 0, NULL);
  CALL(setresuid, -1, -1, -1);
  CALL(setresgid, -1, -1, 0);
  CALL(setreuid, -1, 0);
  CALL(setregid, 0, -1);
  CALL(setfsuid, 0);
  CALL(setfsgid, -1);
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  CALL(capget, &head, data);
  data[0].inheritable = 1 << CAP_CHOWN | 1 << CAP_NET_ADMIN;
  data[1] = (struct __user_cap_data_struct){0};
  CALL(capset, &head, data);
  head.version = 77;
  CALL(capget, &head, NULL);
  CALL(capget, NULL, NULL);
  CALL(getpgid, 0), CALL(getsid, 0), CALL(getpgrp);
  CALL(setpgid, 0, 0);
  CALL(setsid);
  CALL(setuid, 0), CALL(setgid, 0);
  return 0;
}

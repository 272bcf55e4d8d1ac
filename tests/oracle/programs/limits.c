/* Limits, usage, names of the system. */
#include <sys/resource.h>
#include <sys/utsname.h>

#include "oracle.h"

int main(void) {
  struct rlimit limit, none = {RLIM_INFINITY, RLIM_INFINITY}, some = {100, 3 * 1024 * 1024};
  for (int i = 0; i < 17; i++) CALL(prlimit64, 0, i, NULL, &limit);
  CALL(getrlimit, RLIMIT_NOFILE, &limit);
  CALL(setrlimit, RLIMIT_CORE, &none);
  CALL(setrlimit, RLIMIT_NPROC, &some);
  CALL(prlimit64, 0, RLIMIT_CORE, &some, NULL);
  CALL(prlimit64, 0, RLIMIT_CORE, &some, &limit);
  CALL(prlimit64, -1, 99, NULL, &limit);
  CALL(getrlimit, RLIMIT_STACK, NULL);
  struct utsname name;
  CALL(uname, &name);
  CALL(uname, NOWHERE);
  CALL(getpriority, PRIO_PROCESS, 0);
  CALL(setpriority, PRIO_PROCESS, 0, 1);
  CALL(setpriority, PRIO_USER, 99999, 1);
  CALL(getrusage, 77, NULL);
  CALL(sysinfo, NOWHERE);
  CALL(personality, 0xffffffff);
  CALL(personality, 0x0040000);
  CALL(iopl, 0);
  CALL(syslog, 10, NULL, 0);
  return 0;
}

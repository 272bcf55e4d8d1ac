/* Structs that cannot be read: they are shown as addresses. */
#include <sched.h>

#include "oracle.h"

int main(void) {
  char *bad = NOWHERE;
  CALL(nanosleep, bad, bad);
  CALL(rt_sigprocmask, SIG_BLOCK, bad, bad, 8ul);
  CALL(sigaltstack, bad, bad);
  CALL(setitimer, 0, bad, bad);
  CALL(setrlimit, 3, bad);
  CALL(sendmsg, 1, bad, 0);
  CALL(getsockname, 1, bad, bad);
  CALL(poll, bad, 3, 0);
  CALL(select, 5, bad, bad, bad, bad);
  CALL(epoll_ctl, 1, 1, 1, bad);
  CALL(timer_create, 0, bad, bad);
  CALL(clone3, bad, 88ul);
  CALL(openat2, AT_FDCWD, bad, bad, 24ul);
  CALL(execve, bad, bad, bad);
  CALL(utimensat, AT_FDCWD, bad, bad, 0);
  CALL(sched_setparam, 0, bad);
  CALL(sched_setaffinity, 0, 8, bad);
  CALL(futex, bad, 0, 0, bad);
  CALL(io_uring_setup, 8, bad);
  CALL(bpf, 0, bad, 72);
  CALL(perf_event_open, bad, 0, 0, 0, 0);
  CALL(getdents64, 1, bad, 100);
  CALL(wait4, -1, bad, 0, bad);
  CALL(waitid, 0, 0, bad, 4, bad);
  CALL(uname, bad);
  CALL(times, bad);
  CALL(capset, bad, bad);
  CALL(semop, -1, bad, 3);
  CALL(msgsnd, -1, bad, 3, 0);
  CALL(mq_open, bad, 0);
  CALL(readv, 0, bad, 2);
  CALL(process_vm_readv, 1, bad, 1, bad, 1, 0);
  CALL(mount, bad, bad, bad, 0, bad);
  CALL(write, 1, (void *)~0ul, 5);
  return 0;
}

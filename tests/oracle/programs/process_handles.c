/* Processes by descriptor; secure computing; what few programs use. */
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/uio.h>

#include "oracle.h"

int main(void) {
  int self = (int)CALL(pidfd_open, getpid(), 0);
  CALL(pidfd_send_signal, self, 0, NULL, 0);
  CALL(pidfd_getfd, self, 1, 0);
  CALL(pidfd_open, -1, O_NONBLOCK);
  struct iovec range = {&range, sizeof range};
  CALL(process_madvise, self, &range, 1ul, 20, 0);
  CALL(process_mrelease, -1, 0);
  CALL(rseq, NULL, 32, 0, 0);
  CALL(userfaultfd, 0x80000 | 1);
  CALL(perf_event_open, NULL, -1, -1, -1, 0);
  struct landlock_ruleset_attr rules = {.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE |
                                                             LANDLOCK_ACCESS_FS_READ_FILE};
  CALL(landlock_create_ruleset, &rules, sizeof rules, 0);
  CALL(landlock_create_ruleset, NULL, 0ul, 1);
  CALL(landlock_add_rule, -1, 1, &rules, 0);
  CALL(landlock_restrict_self, -1, 0);
  CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &(uint32_t){SECCOMP_RET_TRACE});
  struct sock_filter allow[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                                {BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 59},
                                {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  struct sock_fprog program = {COUNT(allow), allow};
  CALL(prctl, 38, 1, 0, 0, 0);
  CALL(prctl, 22, SECCOMP_MODE_FILTER, &program);
  CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &program);
  CALL(seccomp, 99, 0, NULL);
  CALL(ioperm, 0x80ul, 1ul, 0);
  CALL(lookup_dcookie, 0ul, NULL, 0ul);
  syscall(999, 1, 2, 3, 4, 5, 6);
  syscall(335);
  return 0;
}

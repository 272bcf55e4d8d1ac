/* Words of which the kernel takes a part, or which hold several values; commands that decide how
 * many arguments there are. None of these calls succeeds. */
#include <linux/fanotify.h>
#include <linux/keyctl.h>
#include <linux/quota.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/quota.h>
#include <time.h>

#include "oracle.h"

#define HIGH 0xdefaced00000000ul

int main(void) {
  struct timespec left = {111, 222}, second = {0, 1000000000}, garbage = {-1, ~0l};
  unsigned long mask[2] = {5, 0};
  int nodes[2] = {0, -1};
  void *pages[2] = {&left, NOWHERE};
  CALL(nanosleep, NULL, &left);
  CALL(nanosleep, &second, &left);
  CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &garbage, &left);
  CALL(getdents64, -1, NULL, HIGH | 8192);
  CALL(process_madvise, -1, NULL, 0ul, 20, HIGH);
  CALL(reboot, 0, HIGH, 0);
  CALL(add_key, "user", "d", NULL, 0ul, 1234567890);
  CALL(add_key, NULL, NULL, NULL, 0ul, KEY_SPEC_SESSION_KEYRING);
  CALL(kcmp, 0, 0, 9, 1ul, 2ul);
  CALL(syslog, 11, NULL, 5);
  CALL(syslog, 8, NULL, 9);
  CALL(swapon, "/no/such", 42);
  CALL(swapon, "/no/such", 0x8000 | 3);
  CALL(set_mempolicy, 0xf000, NULL, 0ul);
  CALL(set_mempolicy, 0x8002, mask, 64ul);
  CALL(mbind, NULL, 0ul, 77, NOWHERE, 64ul, 8);
  CALL(migrate_pages, -1, 64ul, mask, NULL);
  CALL(move_pages, -1, 2ul, pages, nodes, nodes, 2);
  CALL(move_pages, -1, 0ul, NULL, NULL, NULL, 0);
  CALL(quotactl, QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL);
  CALL(quotactl, QCMD(Q_GETQUOTA, GRPQUOTA), "/no/such", 7, NULL);
  CALL(quotactl, QCMD(Q_QUOTAON, USRQUOTA), "/no/such", 2, "/no/file");
  CALL(quotactl, 0x12345678, NULL, -1, NOWHERE);
  CALL(kexec_load, NULL, 17ul, NULL, HIGH | 1);
  CALL(fanotify_mark, -1, 0, 0ul, -1, NULL);
  CALL(fanotify_init, 0xc, O_WRONLY);
  CALL(name_to_handle_at, -1, "", &(struct { unsigned bytes, type; }){0}, NULL, 0);
  CALL(name_to_handle_at, -1, NULL, NOWHERE, NULL, 0);
  CALL(open_by_handle_at, -1, &((struct {
         unsigned bytes, type;
         char rest[4];
       }){4, 1, "abc"}),
       O_WRONLY);
  CALL(mq_notify, -1, &((struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1}));
  CALL(mq_notify, -1, &((struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_signo = SIGUSR1}));
  CALL(openat2, -1, "x", mask, 8ul);
  CALL(openat2, -1, "x", &((unsigned long[]){0, 0, 0, 1}), 32ul);
  CALL(openat2, -1, "x", &((unsigned long[]){0, 0, 0, 0}), 32ul);
  CALL(mount, NULL, NULL, NULL, 0xc0ed0001ul, NULL);
  CALL(setns, -1, 0x12345678);
  CALL(sethostname, "a name", -1);
  CALL(prctl, PR_MCE_KILL, 9ul, 8ul, 7ul, 6ul);
  CALL(prctl, PR_CAP_AMBIENT, 9ul, 1ul, 2ul, 3ul);
  CALL(prctl, PR_SET_TSC, 9ul, 1ul, 2ul, 3ul);
  CALL(prctl, PR_SET_DUMPABLE, HIGH | 1);
  CALL(prctl, PR_SET_PDEATHSIG, HIGH);
  CALL(prctl, PR_SET_UNALIGN, 7ul);
  CALL(prctl, PR_SET_NAME, "a name of more than fifteen bytes");
  CALL(sched_setattr, 0, &((unsigned[14]){47}), 0);
  CALL(rt_sigpending, mask, 4ul);
  return 0;
}

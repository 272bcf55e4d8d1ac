/* prctl and arch_prctl: the third word depends on the first. */
#include <linux/prctl.h>
#include <linux/securebits.h>

#include "oracle.h"

int main(void) {
  char name[16];
  unsigned value;
  CALL(prctl, PR_SET_NAME, "a-name");
  CALL(prctl, PR_GET_NAME, name);
  CALL(prctl, PR_SET_PDEATHSIG, SIGTERM);
  CALL(prctl, PR_GET_PDEATHSIG, &value);
  CALL(prctl, PR_SET_DUMPABLE, 1);
  CALL(prctl, PR_GET_DUMPABLE);
  CALL(prctl, PR_SET_KEEPCAPS, 1);
  CALL(prctl, PR_GET_KEEPCAPS);
  CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  CALL(prctl, PR_CAPBSET_READ, 21);
  CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 3, 0, 0);
  CALL(prctl, PR_SET_CHILD_SUBREAPER, 1);
  CALL(prctl, PR_GET_CHILD_SUBREAPER, &value);
  CALL(prctl, PR_SET_TIMERSLACK, 50000);
  CALL(prctl, PR_GET_SECUREBITS);
  CALL(prctl, PR_GET_SECCOMP);
  CALL(prctl, PR_SET_THP_DISABLE, 0, 0, 0, 0);
  CALL(prctl, PR_GET_TSC, &value);
  CALL(prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, name, 0ul, "x");
  CALL(prctl, 9999, 1, 2, 3, 4);
  unsigned long base;
  CALL(arch_prctl, 0x1003, &base);
  CALL(arch_prctl, 0x1011, 0);
  return 0;
}

/* Uses Syscall User Dispatch for itself, as Wine does: its own handler must see its own syscalls.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

static volatile char selector;
static volatile int caught, last;

static void on_sigsys(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)context;
  selector = 0;
  caught++;
  last = info->si_syscall;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &action, NULL);
  if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector) != 0) return 1;
  selector = 1;
  /* The caught syscall is not made: rax still holds its number. */
  long result = syscall(SYS_getppid);
  printf("caught %d, number %s, result %s\n", caught, last == SYS_getppid ? "right" : "wrong",
         result == SYS_getppid ? "right" : "wrong");
  if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0) != 0) return 2;
  printf("off: %s\n", getppid() > 0 ? "alive" : "dead");
  return 0;
}
